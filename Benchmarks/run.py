"""Measures the release build; started by scripts/bench.

Figures of CPU time are the ones to compare: these survive a noisy machine. Where two programs are compared they run
interleaved, and medians of the pairs are printed.
"""
import os, re, resource, signal, socket, statistics, subprocess, sys, time
from contextlib import contextmanager

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MOONCAST = os.path.join(ROOT, ".build/release/mooncast")
HOST = os.path.join(ROOT, ".build/release/HostServer")
SCRIPTS = os.path.join(ROOT, "Benchmarks/scripts")
TICK = os.sysconf("SC_CLK_TCK")


@contextmanager
def running(*command):
    """Starts a server, gives (process, port, its output so far as an iterator of lines), and ends it."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            found = re.search(r"listening url=http://127.0.0.1:(\d+)", line)
            if found:
                break
        else:
            sys.exit(f"bench: {command[0]} did not start:\n{''.join(lines)}")
        yield process, int(found.group(1)), lines
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def mooncast(scripts, *options):
    return running(MOONCAST, "serve", os.path.join(SCRIPTS, scripts), "--port", "0", *options)


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_bytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024


def get(port, path, method="GET", body=b""):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        data = b""
        while piece := connection.recv(65536):
            data += piece
        return data.split(b"\r\n\r\n", 1)[1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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


def open_streams(port, count):
    request = b"GET /events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"
    streams = []
    for _ in range(count):
        stream = socket.create_connection(("127.0.0.1", port), timeout=20)
        stream.sendall(request)
        streams.append(stream)
    for stream in streams:
        head = b""
        while not head.endswith(b"\r\n\r\n:\n"):
            head += stream.recv(4096)
    return streams


def raise_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def memory():
    """User memory per idle stream."""
    count = min(10000, raise_limit() - 200)
    with running(MOONCAST, "serve", os.path.join(SCRIPTS, "streams"), "--port", "0", "--threads", "1") as (process, port, _):
        warm = open_streams(port, 200)
        for stream in warm:
            stream.close()
        while get(port, "/count") != b"0":
            pass
        before = resident_bytes(process.pid)
        streams = open_streams(port, count)
        after = resident_bytes(process.pid)
        assert get(port, "/count") == str(count).encode()
        for stream in streams:
            stream.close()
    print(f"memory     {(after - before) / count:.0f} bytes of user memory per idle stream ({count} of them)")


def broadcast():
    """Server CPU per delivery of HTTPServer.broadcast."""
    raise_limit()
    with running(MOONCAST, "serve", os.path.join(SCRIPTS, "streams"), "--port", "0", "--threads", "1") as (process, port, _):
        streams = open_streams(port, 1000)
        payload = b"x" * 100
        size = len(b"event: bench\ndata: " + payload + b"\n\n")
        rounds = 200
        before = cpu_seconds(process.pid)
        for _ in range(rounds):
            assert get(port, "/broadcast", "POST", payload) == b"1000"
            for stream in streams:
                left = size
                while left:
                    left -= len(stream.recv(left))
        spent = cpu_seconds(process.pid) - before
        for stream in streams:
            stream.close()
    print(f"broadcast  {spent / rounds / 1000 * 1e6:.2f} us CPU per delivery (1,000 streams, 100 bytes, one event at a time)")


parts = {"launch": launch, "boundary": boundary, "json": json, "memory": memory, "broadcast": broadcast}
chosen = sys.argv[1:] or list(parts)
for name in chosen:
    if name not in parts:
        sys.exit(f"bench: unknown part '{name}' (known: {', '.join(parts)})")
for name in chosen:
    parts[name]()
