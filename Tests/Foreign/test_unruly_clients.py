"""Clients that leave in every way, at every moment, while everything is published: nobody else notices."""

import asyncio
import gc
import random
import socket
import ssl
import struct
import time
from contextlib import closing, suppress

import httpx
import pytest

from streams import make_certificate
from support import PATIENCE

SCRIPT = """
local opened, closed = 0, 0

local function named(text)
  local names = {}
  for name in text:gmatch("%w+") do names[#names + 1] = name end
  return names
end

HTTPServer.register_route("GET", "/events", function(request, response)
  local channels = named(request:get_query_param("channels"))
  local connection = response:start_sse {
    channels = channels, on_slow = request:get_query_param("slow"), max_buffered_bytes = 20000,
  }
  if #channels > 2 then
    sleep(0.001)
    connection:leave(channels[1])
    connection:send("left", channels[1])
    connection:join("late")
  end
  if request:get_query_param("close") == "1" then connection:close() end
end)

HTTPServer.register_route("GET", "/witness", function(request, response)
  response:start_sse { channels = { "witness" }, max_buffered_bytes = 1 << 24 }
end)

HTTPServer.register_route("POST", "/publish", function(request, response)
  for _, name in ipairs(named(request:get_query_param("channels"))) do
    HTTPServer.channel(name):publish("unruly", request.body)
  end
  HTTPServer.channel("witness"):publish("seen", request:get_query_param("number"))
  if #request.body > 50 then HTTPServer.channel("all"):publish("large", request.body) end
end)

HTTPServer.register_route("GET", "/counts", function(request, response)
  local active = #HTTPServer.get_active_sse_connections()
  response:set_json { opened = opened, closed = closed, active = active }
end)

HTTPServer.sse_connection_opened:connect(function() opened = opened + 1 end)
HTTPServer.sse_connection_closed:connect(function(id, reason)
  closed = closed + 1
  HTTPServer.channel("gone"):publish("gone", reason)
end)
"""

CHANNELS = [*"abcdefgh", "gone", "all", "late"]
POLICIES = ["disconnect", "drop_oldest", "drop_newest", "conflate"]
VISITORS, VISITS, PUBLISHERS = 40, 100, 4
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of 0 seconds: close() sends a RST


class Chaos:
    def __init__(self, port, tls, seed):
        self.port, self.tls, self.random = port, tls, random.Random(seed)
        self.published = 0

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)

    async def visit(self):
        reader, writer = await self.connect()
        with closing(writer):
            own_socket = writer.get_extra_info("socket")
            channels = ",".join(self.random.sample(CHANNELS, self.random.randint(1, 4)))
            closes = int(self.random.random() < 0.1)
            query = f"channels={channels}&slow={self.random.choice(POLICIES)}&close={closes}"
            writer.write(f"GET /events?{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            if self.random.random() < 0.8:
                with suppress(asyncio.TimeoutError):
                    for _ in range(self.random.randint(0, 8)):
                        await asyncio.wait_for(reader.read(2000), 0.05)
            else:  # reads nothing for a while
                writer.transport.pause_reading()
                await asyncio.sleep(self.random.random() * 0.3)
            how = self.random.random()
            if how < 0.5:
                own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                writer.transport.abort()
            elif how < 0.7 and not self.tls:
                writer.write_eof()

    async def visitor(self):
        for _ in range(VISITS):
            with suppress(OSError):  # the other side may be gone as well
                await self.visit()

    async def publisher(self, visitors):
        reader, writer = await self.connect()
        while not visitors.done():
            body = b"x" * self.random.choice([5, 40, 100, 3000])
            channels = ",".join(self.random.sample(CHANNELS, self.random.randint(1, 3)))
            head = f"Host: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            count = self.random.randint(1, 3)
            for _ in range(count):
                self.published += 1
                query = f"channels={channels}&number={self.published}"
                writer.write(f"POST /publish?{query} HTTP/1.1\r\n".encode() + head + body)
            for _ in range(count):
                assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).startswith(b"HTTP/1.1 200 ")
            if self.random.random() < 0.3:
                await asyncio.sleep(self.random.random() * 0.004)
        writer.close()

    async def witness(self, is_open, published):
        """The numbers that one who does nothing wrong has seen."""
        reader, writer = await self.connect()
        writer.write(b"GET /witness HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"\n:\n")
        is_open.set_result(None)
        seen = []
        while not (published.done() and len(seen) >= published.result()):
            block = await asyncio.wait_for(reader.readuntil(b"\n\n"), PATIENCE)
            seen.append(int(block.split(b"data: ")[1]))
        writer.close()
        return seen

    async def run(self):
        loop = asyncio.get_running_loop()
        is_open, published = loop.create_future(), loop.create_future()
        witness = asyncio.create_task(self.witness(is_open, published))
        await is_open
        visitors = asyncio.gather(*(self.visitor() for _ in range(VISITORS)))
        await asyncio.gather(*(self.publisher(visitors) for _ in range(PUBLISHERS)))
        # One more, so that the witness looks up.
        reader, writer = await self.connect()
        self.published += 1
        published.set_result(self.published)
        writer.write(
            f"POST /publish?channels=none&number={self.published} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        writer.close()
        return await witness


@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of asyncio, which leaves some sockets that were aborted to the collector
@pytest.mark.parametrize("kind", ["sockets", "one thread", "TLS"])
def test_a_witness_gets_every_event_among_clients_that_leave_in_every_way(serve, scripts, tmp_path, kind):
    options, tls = [], None
    if kind == "one thread":
        options = ["--threads", "1"]
    if kind == "TLS":
        certificate, key = make_certificate(tmp_path, "DNS:localhost,IP:127.0.0.1")
        options = ["--tls-certificate", certificate, "--tls-key", key]
        tls = ssl.create_default_context(cafile=certificate)
    server = serve(scripts(main=SCRIPT), *options)
    chaos = Chaos(server.port, tls, seed=20261121)
    seen = asyncio.run(chaos.run())
    gc.collect()
    assert sorted(seen) == list(range(1, chaos.published + 1))
    with httpx.Client(verify=tls or True) as client:
        deadline = time.monotonic() + PATIENCE
        while (counts := client.get(f"{server.url}/counts", timeout=PATIENCE).json())["opened"] != counts["closed"]:
            assert time.monotonic() < deadline, counts
    assert counts["active"] == 0
    assert counts["opened"] > VISITORS * VISITS / 4
