"""`serve --metrics`: when /healthz and /readyz say no, and where all that is served."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from metrics import Metrics, free_port
from support import BINARY, PATIENCE, lua_string, run


@pytest.fixture
def gate(tmp_path):
    """What a script's `pass_gate()` waits for: that the test touches this file."""
    return tmp_path / "gate"


@pytest.fixture
def script(gate):
    """`script(main)`, with `pass_gate` in it."""
    wait = f"while not io.open({lua_string(str(gate))}) do sleep(0.01) end"
    return lambda main: f"local function pass_gate() {wait} end\n{main}"


# MARK: /healthz


def test_a_script_that_cannot_be_interrupted_is_not_healthy(serve, scripts, tmp_path):
    """Opening a FIFO takes until somebody opens its other end, and Lua cannot be stopped in it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    main = f"""
    HTTPServer.register_route("GET", "/hold", function(request, response)
      print("holding")
      response.body = io.open({lua_string(str(fifo))}):read("a")
    end)
    """
    port = free_port()
    server = serve(scripts(main=main), "--metrics", port)
    metrics = Metrics(port)
    assert metrics.get("/healthz").text == "ok\n"
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.get, f"{server.url}/hold", timeout=PATIENCE)
        server.log.wait("^holding$")
        try:
            statuses = pool.map(metrics.status, ["/healthz", "/readyz", "/metrics"])
            values = pool.submit(metrics.read)
            assert list(statuses) == [503, 503, 200]
            assert values.result()["scripts_responsive"] == 0
            assert values.result()["process_open_fds"] > 0, "what needs no script is there"
        finally:
            with open(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK), "w") as writer:
                writer.write("released")
        assert answer.result().text == "released"
    assert [metrics.status(path) for path in ["/healthz", "/readyz", "/metrics"]] == [200, 200, 200]
    assert metrics.read()["scripts_responsive"] == 1


def test_scripts_that_wait_or_are_busy_for_a_moment_are_healthy(serve, scripts):
    main = """
    HTTPServer.register_route("GET", "/wait", function() print("waiting") sleep(0.5) end)
    HTTPServer.register_route("GET", "/work", function()
      print("working")
      local start = os.clock()
      while os.clock() < start + 0.4 do end
    end)
    """
    port = free_port()
    server = serve(scripts(main=main), "--metrics", port)
    with ThreadPoolExecutor() as pool:
        for path, begun in [("/wait", "waiting"), ("/work", "working")]:
            answer = pool.submit(httpx.get, server.url + path)
            server.log.wait(f"^{begun}$")
            assert Metrics(port).status("/healthz") == 200
            assert answer.result().status_code == 200


# MARK: /readyz


@pytest.mark.parametrize(
    "main",
    [
        "print('waiting') pass_gate()",
        "return { _ready = function() print('waiting') pass_gate() end }",
    ],
    ids=["a script that loads", "a _ready that waits"],
)
def test_a_server_is_ready_when_it_listens_and_not_before(launch, scripts, script, gate, main):
    port = free_port()
    command = [BINARY, "serve", scripts(main=script(main)), "--port", 0, "--log-format", "json", "--metrics", port]
    server, metrics = launch(command), Metrics(port)
    server.log.wait("^waiting$")
    answer = metrics.get("/readyz")
    assert (answer.status_code, metrics.status("/healthz")) == (503, 200)
    assert answer.text.endswith("\n") and len(answer.text.splitlines()) == 1
    assert metrics.read()["scripts_responsive"] == 1
    gate.touch()
    server.wait_until_listening()
    assert metrics.get("/readyz").text == "ok\n"


@pytest.mark.parametrize(
    "main",
    [
        "return { _exit_tree = function() print('leaving') pass_gate() end }",
        """
        HTTPServer.register_route('GET', '/late', function() print('waiting') pass_gate() end)
        HTTPServer.server_stopping:connect(function() print('leaving') end)
        """,
    ],
    ids=["an _exit_tree that waits", "an answer under way"],
)
def test_a_server_that_stops_is_not_ready_but_healthy(serve, scripts, connect, script, gate, main):
    streams = "HTTPServer.register_route('GET', '/events', function(request, response) response:start_sse() end)\n"
    port = free_port()
    server = serve(scripts(main=script(streams + main)), "--metrics", port, "--shutdown-timeout", 86400)
    metrics = Metrics(port)
    clients = [connect(server, "/events") for _ in range(3)]
    for client in clients:
        client.read_until(b":\n")
    late = connect(server, "/late")
    if "/late" in main:
        server.log.wait("^waiting$")
    assert metrics.status("/readyz") == 200
    server.send_signal(signal.SIGTERM)
    server.log.wait("^leaving$")
    assert [metrics.status(path) for path in ["/readyz", "/healthz", "/metrics"]] == [503, 200, 200]
    metrics.wait_for({("streams_closed_total", "shutdown"): 3, "streams_open": 0})
    gate.touch()
    assert server.wait() == 0
    assert late.read_to_end().startswith(b"HTTP/1.1 200 " if "/late" in main else b"HTTP/1.1 404 ")
    with pytest.raises(httpx.ConnectError):
        metrics.get("/readyz")


def test_a_script_that_stops_the_server_and_listens_again_is_not_ready_in_between(serve, scripts, script, gate):
    main = """
    HTTPServer.register_route("GET", "/stop", function()
      spawn(function()
        sleep(0)
        HTTPServer.stop()
        print("stopped listening")
        pass_gate()
        HTTPServer.listen(0)
        print("listens again")
      end)
    end)
    """
    port = free_port()
    server = serve(scripts(main=script(main)), "--metrics", port)
    metrics = Metrics(port)
    with suppress(httpx.RemoteProtocolError, httpx.ReadError):  # its own connection may be cut
        httpx.get(f"{server.url}/stop")
    server.log.wait("^stopped listening$")
    assert metrics.status("/readyz") == 503
    gate.touch()
    server.log.wait("^listens again$")
    assert metrics.status("/readyz") == 200


def test_who_holds_a_connection_to_the_metrics_does_not_keep_the_server(serve, scripts):
    port = free_port()
    server = serve(scripts(main=""), "--metrics", port, "--shutdown-timeout", 600)
    with httpx.Client() as kept_alive, socket.create_connection(("127.0.0.1", port)):
        assert kept_alive.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        server.stop()


# MARK: addresses


def listening(process):
    """The addresses and ports on which a process listens, by its own /proc."""
    proc = Path(f"/proc/{process.pid}")
    sockets = set()
    for descriptor in (proc / "fd").iterdir():
        with suppress(FileNotFoundError):
            sockets.add(os.readlink(descriptor))
    found = set()
    for table in ["tcp", "tcp6"]:
        for line in (proc / "net" / table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in sockets:
                address, port = (bytes.fromhex(text) for text in local.split(":"))
                words = [address[start : start + 4][::-1] for start in range(0, len(address), 4)]
                found.add((str(ip_address(b"".join(words))), int.from_bytes(port)))
    return found


def has_ipv6():
    try:
        free_port("::1")
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "host, listens, reached",
    [
        ("", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:", "127.0.0.1", "127.0.0.1"),
        ("localhost:", "127.0.0.1", "127.0.0.1"),
        ("0.0.0.0:", "0.0.0.0", "127.0.0.1"),
        ("*:", "::", "127.0.0.1"),
        pytest.param("[::1]:", "::1", "[::1]", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")),
    ],
)
def test_metrics_are_served_on_that_address_and_no_other(serve, scripts, host, listens, reached):
    port = free_port()
    server = serve(scripts(main=""), "--metrics", f"{host}{port}")
    assert listening(server.process) == {("127.0.0.1", server.port), (listens, port)}
    assert Metrics(port, reached).status("/healthz") == 200


def test_without_the_option_there_is_no_second_port(serve, scripts):
    server = serve(scripts(main=""))
    assert listening(server.process) == {("127.0.0.1", server.port)}


# A network of its own, so that the port is free.
ALONE = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


@pytest.mark.parametrize("metrics_comes_last", [True, False], ids=["DIR --metrics", "--metrics DIR"])
def test_the_option_alone_is_port_9464_on_loopback(launch, scripts, metrics_comes_last):
    arguments = [scripts(main=""), "--metrics"] if metrics_comes_last else ["--metrics", scripts(main="")]
    server = launch([*ALONE, BINARY, "serve", "--log-format", "json", "--port", 0, *arguments]).wait_until_listening()
    assert listening(server.process) == {("127.0.0.1", server.port), ("127.0.0.1", 9464)}


def check_failure(result, code, *named):
    assert (result.returncode, result.stdout) == (code, "")
    first, *rest = result.stderr.splitlines()
    assert [text for text in named if text not in first] == []
    assert all(line.startswith(("Help:", "Usage:", "  See 'mooncast ")) for line in rest)


BAD_VALUES = "x,1.2.3.4,70000,-1,127.0.0.1:70000,[::1,::1:80,:,:80,[]:80,a:,a:b,127.0.0.1:+80".split(",")


@pytest.mark.parametrize("value", BAD_VALUES)
def test_a_bad_value_is_named_with_its_option(scripts, value):
    result = run("serve", scripts(main=""), "--port", 0, f"--metrics={value}", timeout=5)
    check_failure(result, 64, "--metrics", f"'{value}'")


def test_a_bad_value_after_a_space_is_named(scripts):
    result = run("serve", scripts(main=""), "--port", 0, "--metrics", "70000", timeout=5)
    check_failure(result, 64, "'70000'")


@pytest.mark.parametrize("host", ["no.such.host.invalid", "300.1.1.1", "203.0.113.77"])
def test_an_address_that_is_not_of_this_machine_is_named(scripts, host):
    result = run("serve", scripts(main=""), "--port", 0, "--metrics", f"{host}:{free_port()}", timeout=5)
    check_failure(result, 1, host)


def test_a_port_in_use_is_named(scripts):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", scripts(main=""), "--port", 0, "--metrics", port, timeout=5)
    check_failure(result, 1, f"port {port} on 127.0.0.1 is in use")


def test_one_port_cannot_be_for_both(scripts):
    port = free_port()
    result = run("serve", scripts(main=""), "--port", port, "--metrics", port, timeout=5)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"mooncast: port {port} on 127.0.0.1 is in use"
