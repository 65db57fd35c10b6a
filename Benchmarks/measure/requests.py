"""Launch, the Lua boundary, and requests that a handler answers."""
import os, re, signal, statistics, subprocess, sys, time

from .servers import HOST, MOONCAST, SCRIPTS, cpu_seconds, free_port, get, mooncast, running


def launch():
    """From exec to the answer to the first request."""
    times = []
    for _ in range(15):
        port = free_port()
        start = time.monotonic()
        process = subprocess.Popen(
            [MOONCAST, "serve", os.path.join(SCRIPTS, "json"), "--port", str(port)], stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    assert get(port, "/json") == b'{"message":"hello"}'
                    break
                except ConnectionRefusedError:
                    if time.monotonic() - start > 10:
                        sys.exit("bench: no answer within 10 s of launch")
            times.append((time.monotonic() - start) * 1000)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)
    print(f"launch     first answer after {statistics.median(times):.0f} ms (worst {max(times):.0f} ms, 15 runs)")


def boundary():
    """Nanoseconds of CPU for a call into the host, and for an entrance with a coroutine."""
    with mooncast("boundary") as (_, _, lines):
        pairs = [re.search(r"host_call_ns=([\d.]+) entrance_ns=([\d.]+)", line) for line in lines]
    calls = [float(pair.group(1)) for pair in pairs if pair]
    entrances = [float(pair.group(2)) for pair in pairs if pair]
    print(f"boundary   HTTPServer.is_listening() {statistics.median(calls):.0f} ns CPU, "
          f"a coroutine per entrance {statistics.median(entrances):.0f} ns CPU ({len(calls)} runs)")


def load(port, pid, seconds=2):
    """Requests per second and microseconds of server CPU per request, saturated."""
    before = cpu_seconds(pid)
    output = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{port}/json"], capture_output=True, text=True, check=True)
    spent = cpu_seconds(pid) - before
    requests = int(re.search(r"(\d+) requests in", output.stdout).group(1))
    if "Non-2xx" in output.stdout or "Socket errors" in output.stdout:
        sys.exit("bench: wrk saw errors:\n" + output.stdout)
    return requests / seconds, spent / requests * 1e6


def json():
    """The same bytes from a Lua handler and from the host."""
    with mooncast("json", "--threads", "1") as (lua, lua_port, _), running(HOST) as (host, host_port, _):
        assert get(lua_port, "/json") == get(host_port, "/json")
        rows = []
        for _ in range(9):
            rows.append((load(lua_port, lua.pid), load(host_port, host.pid)))
    lua_cpu = statistics.median(row[0][1] for row in rows)
    host_cpu = statistics.median(row[1][1] for row in rows)
    more = statistics.median(row[0][1] - row[1][1] for row in rows)
    print(f"json       Lua handler {lua_cpu:.2f} us CPU per request, host {host_cpu:.2f} us: {more:.2f} us more "
          f"(9 interleaved pairs; {statistics.median(row[0][0] for row in rows):.0f} and "
          f"{statistics.median(row[1][0] for row in rows):.0f} requests/s)")
