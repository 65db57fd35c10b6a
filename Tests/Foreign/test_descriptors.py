"""Out of file descriptors, and the cap below them. The server runs with few: `prlimit --nofile`."""

import re
import socket
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from support import PATIENCE

SCRIPT = """
local files = {}
HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
HTTPServer.register_route("GET", "/say/{word}", function(request, response)
  response:set_json(HTTPServer.broadcast("said", request.path_params.word))
end)
HTTPServer.register_route("GET", "/hold", function(request, response)
  while true do
    local file = io.open("/dev/null")
    if not file then break end
    files[#files + 1] = file
  end
  response:set_json(#files)
end)
HTTPServer.register_route("GET", "/free", function(request, response)
  for _, file in ipairs(files) do file:close() end
  files = {}
end)
"""

DESCRIPTORS = 200
ROOM = DESCRIPTORS - 128 - 6  # what one thread leaves


@pytest.fixture
def server(scripts, serve):
    return serve(scripts(main=SCRIPT), "--threads", 1, prefix=["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"])


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_more_streams_than_there_are_descriptors_are_told_to_come_back_and_the_others_go_on(server, connect):
    with httpx.Client(base_url=server.url) as session:  # a connection of its own, from before
        session.get("/say/nothing")
        streams = [connect(server, "/events") for _ in range(ROOM - 1)]
        for stream in streams:
            stream.read_until(b"\r\n\r\n:\n")
        for _ in range(100):
            with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as late:
                late.sendall(b"GET /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
                answer = b""
                while piece := late.recv(4096):
                    answer += piece
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            assert re.search(rb"\nretry: \d+\n$", answer), answer
        assert httpx.get(server.url + "/say/x").status_code == 503
        assert session.get("/say/hello").json() == ROOM - 1
        for stream in streams:
            stream.read_until(b"data: hello\n\n")
        streams[0].close()
        deadline = time.monotonic() + PATIENCE
        while httpx.get(server.url + "/say/again").status_code != 200:
            assert time.monotonic() < deadline, "no place became free"


def test_without_descriptors_the_server_does_not_spin_and_accepts_again_when_there_are_some(server, connect):
    stream = connect(server, "/events")
    stream.read_until(b"\r\n\r\n:\n")
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as session:
        assert session.get("/hold").json() > 100
        with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as late:
            late.sendall(b"GET /say/late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            server.log.wait("cannot accept connections")
            before, start = cpu_seconds(server.process.pid), time.monotonic()
            server.log.wait("cannot accept connections", count=3)
            assert time.monotonic() - start > 1.5, "it asks again each second"
            assert cpu_seconds(server.process.pid) - before < 0.5
            assert session.get("/say/hello").json() == 1
            stream.read_until(b"data: hello\n\n")
            session.get("/free")
            assert late.recv(4096).startswith(b"HTTP/1.1 200 ")
    stream.read_until(b"data: late\n\n")
