"""Twenty thousand clients that come and go in every way leave nothing behind."""

import re
import socket
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from support import PATIENCE

SCRIPT = """
local opened, closed, seen, doubled = 0, 0, {}, 0
HTTPServer.register_route("GET", "/stream", function(request, response)
  response:start_sse { channels = { "c" } }:send("hello", "there")
end)
HTTPServer.register_route("GET", "/late", function(request, response)
  sleep(0)
  response:start_sse():send("hello", "there")
end)
HTTPServer.register_route("GET", "/counts", function(request, response)
  local stats = HTTPServer.get_stats().streams
  local by_reason = 0
  for _, count in pairs(stats.closed) do by_reason = by_reason + count end
  response:set_json {
    opened = opened, closed = closed, doubled = doubled, active = #HTTPServer.get_active_sse_connections(),
    members = HTTPServer.channel("c"):count(), stats_opened = stats.opened, stats_closed = by_reason, open = stats.open,
  }
end)
HTTPServer.sse_connection_opened:connect(function() opened = opened + 1 end)
HTTPServer.sse_connection_closed:connect(function(id)
  closed = closed + 1
  if seen[id] then doubled = doubled + 1 end
  seen[id] = true
  seen[id - 1000] = nil
end)
"""

VISITS = 10_000
RESET = b"\1\0\0\0\0\0\0\0"  # SO_LINGER of 0 seconds: close() sends a RST


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


def fin_after_head(client, path):
    client.sendall(request(path))
    client.recv(4096)
    client.shutdown(socket.SHUT_WR)


def rst_after_head(client, path):
    client.sendall(request(path))
    client.recv(4096)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def rst_with_request(client, path):
    client.sendall(request(path))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def close_with_request(client, path):
    client.sendall(request(path))


def rst_in_head(client, path):
    client.sendall(request(path)[:20])
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def close_at_once(client, path):
    pass


WAYS = [fin_after_head, rst_after_head, rst_with_request, close_with_request, rst_in_head, close_at_once]


def visit(server, number):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        with suppress(ConnectionError):  # the server may be faster
            WAYS[number % len(WAYS)](client, "/late" if number % 4 == 0 else "/stream")


def settled(server):
    """The counters, once nobody is left."""
    deadline = time.monotonic() + PATIENCE
    while True:
        counts = httpx.get(server.url + "/counts").json()
        if counts["opened"] == counts["closed"] and counts["active"] == 0:
            return counts
        assert time.monotonic() < deadline, counts


def descriptors(server):
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def resident_bytes(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1)) * 1024


@pytest.mark.timeout(240)
def test_twenty_thousand_visits_leave_no_stream_no_descriptor_and_no_memory(scripts, serve):
    server = serve(scripts(main=SCRIPT))
    settled(server)
    before = descriptors(server)
    for number in range(VISITS):
        visit(server, number)
    settled(server)
    memory = resident_bytes(server)
    for number in range(VISITS):
        visit(server, number)
    counts = settled(server)
    assert counts["opened"] > VISITS, "most are streams"
    assert counts["doubled"] == 0, "each is closed once"
    assert counts["members"] == 0
    assert counts["open"] == 0
    assert counts["stats_opened"] == counts["stats_closed"] == counts["opened"]
    deadline = time.monotonic() + PATIENCE
    while descriptors(server) > before:  # those that linger for their client's FIN
        assert time.monotonic() < deadline, f"{descriptors(server)} descriptors, {before} before"
    assert resident_bytes(server) - memory < 3 << 20, "the second half takes nothing on top of the first"
