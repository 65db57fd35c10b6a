"""Requests and answers as bytes, and a server that runs what a test tells it to."""

import socket

import httpx

from support import PATIENCE

# /lua runs the body of the request, and answers with what it returns.
SCRIPT = """
HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse { ping_duration = 0 } end)
HTTPServer.register_route("POST", "/echo", function(request, response) response.body = request.body end)
HTTPServer.register_route("POST", "/lua", function(request, response)
  response:set_json((assert(load(request.body))()))
end)
HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
"""
OPEN = b"\r\n\r\n:\n"  # the end of a stream's head, and its first byte


def lua(server, code):
    answer = httpx.post(f"{server.url}/lua", content=code, timeout=PATIENCE)
    assert answer.status_code == 200, code
    return answer.json()


def exchange(server, *pieces):
    """All bytes that these bytes are answered with."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def request(method, target, *headers, body=b""):
    """The bytes of the last request on a connection."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def parse(answer):
    """Status line, headers in lower case, body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    return line, {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}, body
