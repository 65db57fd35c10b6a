"""What httplint, which knows the RFCs of HTTP, has to say about answers."""

import socket
import time
from contextlib import closing
from typing import NamedTuple

import pytest
from httplint import HttpRequestLinter, HttpResponseLinter, levels

from support import PATIENCE

SCRIPT = """
HTTPServer.register_route("GET", "/hello", function(request, response) response.body = "hello" end)
HTTPServer.register_route("GET", "/json", function(request, response) response:set_json { text = "naïve 🌙" } end)
HTTPServer.register_route("GET", "/nothing", function(request, response) response:set_status(204) end)
HTTPServer.register_route("GET", "/unchanged", function(request, response)
  response:set_status(304):set_header("ETag", '"a"')
end)
HTTPServer.register_route("GET", "/moved", function(request, response)
  response:set_status(302):set_header("Location", "/hello")
end)
HTTPServer.register_route("POST", "/made", function(request, response)
  response:set_status(201):set_header("Location", "/made/1"):set_json { id = 1 }
end)
HTTPServer.register_route("GET", "/cookie", function(request, response)
  response:add_header("Set-Cookie", "a=b; Path=/; HttpOnly; SameSite=Lax").body = "a cookie"
end)
HTTPServer.register_route("GET", "/broken", function() error("broken") end)
HTTPServer.register_route("GET", "/stream", function(request, response) response:start_sse():send("hello") end)
HTTPServer.register_route("GET", "/over", function(request, response)
  response:start_sse():finish()
end)
"""


class Answer(NamedTuple):
    version: bytes
    status: bytes
    reason: bytes
    fields: list
    body: bytes


def ask(server, request, body=b""):
    """Sends the request, and reads until the server closes; a stream until its first event is there."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as connection:
        connection.sendall(request + body)
        received = b""
        while piece := connection.recv(65536):
            received += piece
            if b"text/event-stream" in received and received.endswith(b"\n\n") and b"\ndata:" in received:
                break
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    version, status, reason = line.split(b" ", 2)
    return Answer(version, status, reason, [tuple(field.split(b": ", 1)) for field in fields], body)


PREFLIGHT = {
    "Origin": "http://example.org",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}
# Requests: the method, the path, other fields, the body, and the status that answers it.
REQUESTS = {
    "a text": ("GET", "/hello", {}, b"", 200),
    "JSON": ("GET", "/json", {}, b"", 200),
    "HEAD": ("HEAD", "/hello", {}, b"", 200),
    "a cookie": ("GET", "/cookie", {}, b"", 200),
    "something made": ("POST", "/made", {}, b"{}", 201),
    "no content": ("GET", "/nothing", {}, b"", 204),
    "a redirect": ("GET", "/moved", {}, b"", 302),
    "not modified": ("GET", "/unchanged", {"If-None-Match": '"a"'}, b"", 304),
    "no such path": ("GET", "/nowhere", {}, b"", 404),
    "another method": ("DELETE", "/hello", {}, b"", 405),
    "OPTIONS": ("OPTIONS", "/hello", {}, b"", None),
    "OPTIONS of the server": ("OPTIONS", "*", {}, b"", 204),
    "another origin": ("GET", "/hello", {"Origin": "http://example.org"}, b"", 200),
    "no such path, for another origin": ("GET", "/nowhere", {"Origin": "http://example.org"}, b"", 404),
    "a stream for another origin": ("GET", "/stream", {"Origin": "http://example.org"}, b"", 200),
    "a preflight": ("OPTIONS", "/made", PREFLIGHT, b"", None),
    "a body too large": ("POST", "/made", {}, b"x" * ((1 << 20) + 1), 413),
    "a target too long": ("GET", "/" + "x" * 9000, {}, b"", 414),
    "an unknown expectation": ("POST", "/made", {"Expect": "more"}, b"{}", 417),
    "a field too large": ("GET", "/hello", {"X-Large": "x" * 20000}, b"", 431),
    "an error of the script": ("GET", "/broken", {}, b"", 500),
    "a bad request": ("GET", "/hello", {"X Bad": "x"}, b"", 400),
    "a page": ("GET", "/", {}, b"", 200),
    "HEAD of a page": ("HEAD", "/", {}, b"", 200),
    "a script of a page": ("GET", "/page.js", {}, b"", 200),
    "an image": ("GET", "/image.svg", {}, b"", 200),
    "bytes": ("GET", "/data.bin", {}, b"", 200),
    "a part of a file": ("GET", "/data.bin", {"Range": "bytes=10-19"}, b"", None),
    "a stream": ("GET", "/stream", {"Accept": "text/event-stream"}, b"", 200),
    "HEAD of a stream": ("HEAD", "/stream", {"Accept": "text/event-stream"}, b"", 200),
    "a stream that is over": ("GET", "/over", {"Last-Event-ID": "mooncast.end"}, b"", 204),
}


# What httplint minds and we do not, and why.
ALLOWED = {
    "FRESHNESS_HEURISTIC": "how long an answer may be kept is for the script to say",
    "FRESHNESS_NO_CACHE_NO_VALIDATOR": "a stream is never asked for again with a condition",
    "STATUS_BAD_REQUEST": "it says what the status says",
    "STATUS_URI_TOO_LONG": "it says what the status says",
}


def lint(server, name):
    """The answer, and the notes on it."""
    method, path, fields, body, status = REQUESTS[name]
    fields = {"Host": f"127.0.0.1:{server.port}", "User-Agent": "test", "Connection": "close"} | fields
    if body:
        fields |= {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    lines = [f"{method} {path} HTTP/1.1", *(f"{field}: {value}" for field, value in fields.items()), "", ""]
    answer = ask(server, "\r\n".join(lines).encode(), body)
    assert status is None or int(answer.status) == status, answer

    request = HttpRequestLinter()
    target = path if path == "*" else f"{server.url}{path}"
    request.process_request_topline(method.encode(), target.encode(), b"1.1")
    request.process_headers([(field.encode(), value.encode()) for field, value in fields.items()])
    request.feed_content(body)
    request.finish_content(True)

    response = HttpResponseLinter(start_time=time.time())
    response.request = request
    response.is_head_response = method == "HEAD"
    response.process_response_topline(answer.version.removeprefix(b"HTTP/"), answer.status, answer.reason)
    response.process_headers(answer.fields)
    response.feed_content(answer.body)
    response.finish_content(True)
    return answer, [note for top in response.notes for note in (top, *top.subnotes)]


@pytest.fixture
def server(serve, scripts):
    directory = scripts(main=SCRIPT)
    (directory / "public").mkdir()
    (directory / "public" / "index.html").write_text("<!doctype html><title>a page</title>")
    (directory / "public" / "page.js").write_text("'use strict'\n")
    (directory / "public" / "image.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (directory / "public" / "data.bin").write_bytes(bytes(range(256)))
    return serve(directory, may_log_errors=True)


@pytest.mark.parametrize("name", REQUESTS)
def test_httplint_finds_nothing_wrong_with_the_answer(server, name):
    answer, notes = lint(server, name)
    wrong = [
        f"{type(note).__name__} ({note.level.value}): {note.summary}"
        for note in notes
        if note.level in (levels.BAD, levels.WARN) and type(note).__name__ not in ALLOWED
    ]
    assert wrong == [], answer._replace(body=answer.body[:100])


def test_every_allowed_note_is_still_given(server):
    given = {type(note).__name__ for name in REQUESTS for note in lint(server, name)[1]}
    assert ALLOWED.keys() - given == set()


def test_httplint_finds_what_is_wrong():
    """So that nothing found means something."""
    response = HttpResponseLinter(start_time=time.time())
    response.process_response_topline(b"1.1", b"200", b"OK")
    response.process_headers([(b"Content-Length", b"5"), (b"Content-Length", b"6"), (b"Date", b"yesterday")])
    response.feed_content(b"hello")
    response.finish_content(True)
    assert {type(note).__name__ for note in response.notes if note.level == levels.BAD}
