"""Thousands of requests that are nearly right, at the socket. The seed is fixed, so a failure comes again."""

import random
import re
import socket
import time
from contextlib import closing

import httpx
import pytest

from mutations import VALID, mutated, request, understood, with_length
from support import EXAMPLES, PATIENCE
from test_churn import descriptors, resident_bytes

ECHO = """
HTTPServer.register_route("*", "/{path...}", function(request, response)
  local read = { request:parse_json_body(), request.query_params, request.headers.cookie, request.client_ip }
  response:set_header("X-Echo", "1").body = request.method .. " " .. request.raw_path .. "\\n" .. request.body
end)
"""
REQUESTS = 4000
END = b"\r\n\r\n"


def exchange(port, data):
    """Everything that is answered to these bytes and a FIN."""
    received = b""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(65536):
                received += piece
        except (ConnectionResetError, BrokenPipeError):
            raise AssertionError(f"reset after {received!r}") from None
    return received


def split(received, methods):
    """The answers, as (status, fields, body); each must be whole, and nothing may follow the last."""
    answers = []
    while received:
        head, end, received = received.partition(END)
        line, *fields = head.split(b"\r\n")
        found = re.fullmatch(rb"HTTP/1\.1 ([1-5]\d\d) [A-Za-z -]+", line)
        assert end and found, f"no answer: {head!r}"
        status = int(found[1])
        fields = {name.lower(): value for name, value in (field.split(b": ", 1) for field in fields)}
        if status == 100:
            continue
        method = methods[len(answers)] if len(answers) < len(methods) else None
        is_last = fields.get(b"connection") == b"close"
        if status in (204, 304) or method == b"HEAD" and not (is_last and status >= 400):
            length = 0
        elif fields.get(b"content-type", b"").startswith(b"text/event-stream"):
            length = len(received)
            assert b"HTTP/1" not in received, "an answer in a stream"
        elif is_last and status >= 400 and not received:
            length = 0  # to a HEAD, which h11 may not have understood
        else:
            length = int(fields[b"content-length"])
        assert len(received) >= length, f"{len(received)} bytes of {length}"
        answers.append((status, fields, received[:length]))
        received = received[length:]
    return answers


def check(data, received):
    """That what was received is what these bytes may get, and no more."""
    requests, is_more = understood(data)
    answers = split(received, [method for method, _, _ in requests])
    assert len(answers) <= len(requests) + is_more, "more answers than requests"
    for (_, fields, body), (method, target, sent) in zip(answers, requests):
        if b"x-echo" in fields and method != b"HEAD" and target.startswith(b"/"):
            assert body == b"%b %b\n%b" % (method, target, sent), "the script has seen another request"
    return answers


def send_many(server, source):
    for number in range(REQUESTS):
        data = mutated(source)
        received = exchange(server.port, data)
        try:
            check(data, received)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\nsent: {data!r}\nreceived: {received!r}") from None
        if number % 1000 == 0:
            assert httpx.get(server.url).status_code == 200


@pytest.mark.parametrize("example", ["hello", None], ids=["an example", "a script that answers everything"])
def test_requests_that_are_nearly_right_get_one_answer_each_and_leave_nothing_behind(serve, scripts, example):
    server = serve(EXAMPLES / example if example else scripts(main=ECHO))
    for data in VALID:
        check(data, exchange(server.port, data))
    before = descriptors(server)
    source = random.Random(20261121)
    send_many(server, source)
    memory = resident_bytes(server)
    send_many(server, source)
    deadline = time.monotonic() + PATIENCE
    while descriptors(server) > before:
        assert time.monotonic() < deadline, f"{descriptors(server)} descriptors, {before} before"
    assert resident_bytes(server) - memory < 3 << 20, "the second half takes nothing on top of the first"


# MARK: what they have found


@pytest.mark.parametrize(
    "fields, status",
    [("Host: \xff", 400), ("Host: a\r\nExpect: more", 417), ("Host: a\r\nContent-Length: 2000000", 413)],
    ids=["400", "417", "413"],
)
def test_a_head_request_that_is_refused_gets_no_body(serve, scripts, fields, status):
    server = serve(scripts(main=ECHO))
    head, end, body = exchange(server.port, f"HEAD / HTTP/1.1\r\n{fields}\r\n\r\n".encode("latin-1")).partition(END)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert (end, body) == (END, b"")


def test_requests_that_came_before_the_fin_are_all_answered(serve, scripts):
    """Whether or not the server sees the FIN before it answers the first."""
    server = serve(scripts(main=ECHO), "--threads", 2)
    data = request(b"GET /one") + with_length(b"POST /two", body=b"two") + request(b"GET /three")
    for _ in range(50):
        answers = check(data, exchange(server.port, data))
        assert [body for _, _, body in answers] == [b"GET /one\n", b"POST /two\ntwo", b"GET /three\n"]
