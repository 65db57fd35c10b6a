"""The clock on the wall may jump: durations run on the monotonic one. The server runs with a clock that we can set."""

import subprocess
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

SCRIPT = """
SSEPublisher.default:configure("*", { history = 10, max_age = 60 })
HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse { channels = { "c" }, replay = "all", ping_duration = 30, inactivity_duration = 60, max_lifetime = 60 }
end)
HTTPServer.register_route("POST", "/publish", function(request, response)
  HTTPServer.channel("c"):publish("", request.body)
end)
local ticks = 0
Timer.new { wait_time = 0.05, autostart = true }.timeout:connect(function() ticks = ticks + 1 end)
HTTPServer.register_route("GET", "/ticks", function(request, response) response:set_json(ticks) end)
HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
"""

DAY = 86_400


def date(server):
    return parsedate_to_datetime(httpx.get(server.url + "/ticks").headers["date"]).timestamp()


def ticks(server):
    return httpx.get(server.url + "/ticks").json()


@pytest.fixture(scope="module")
def clock_library(tmp_path_factory):
    library = tmp_path_factory.mktemp("clock") / "jump.so"
    source = Path(__file__).with_name("jump.c")
    subprocess.run(["clang", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], check=True)  # Swift's own
    return library


@pytest.mark.parametrize("days", [1, -1, 20_000], ids=["forward", "back", "by decades"])
def test_a_jump_of_the_clock_changes_nothing_but_the_date(scripts, serve, connect, clock_library, tmp_path, days):
    setting = tmp_path / "clock"
    setting.write_text("0")
    server = serve(scripts(main=SCRIPT), prefix=["env", f"CLOCK_JUMP={setting}", f"LD_PRELOAD={clock_library}"])
    stream = connect(server, "/events")
    stream.read_until(b"\r\n\r\n:\n")
    httpx.post(server.url + "/publish", content="before")
    stream.read_until(b"data: before\n\n")

    start, before = time.time(), ticks(server)
    jump = tmp_path / "jump"
    jump.write_text(f"{days * DAY}")
    jump.replace(setting)  # at once: somebody reads it all the time
    assert abs(date(server) - start - days * DAY) < DAY / 2, "the clock has jumped"

    # The timer goes on at its pace: neither at once for all that it would have missed, nor waiting for the old time.
    while ticks(server) < before + 10:
        assert time.time() - start < 20
    assert ticks(server) - before <= (time.time() - start) / 0.05 + 2
    # Nothing was too old, or for too long without events.
    httpx.post(server.url + "/publish", content="after")
    assert stream.read_until(b"data: after\n\n").count(b":\n") == 0, "no heartbeat was due"
    newcomer = connect(server, "/events")
    newcomer.read_until(b"data: before\n\n")
    newcomer.read_until(b"data: after\n\n")
    assert server.log.find("^closed") == []
