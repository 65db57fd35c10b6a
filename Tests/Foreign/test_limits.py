"""Clients that take their time, and the limits that scripts and the command line set."""

import re
import socket
import ssl
import subprocess
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from support import PATIENCE, run
from test_tls import make_certificate

SHORT = "HTTPServer.set_limits { header_timeout = 0.3, body_timeout = 0.3, idle_timeout = 0.3 }"
ROUTES = """
HTTPServer.register_route("POST", "/echo", function(request, response) response.body = request.body end)
HTTPServer.register_route("GET", "/long", function(request, response)
  sleep(1)
  response.body = "slept"
end)
HTTPServer.register_route("GET", "/events", function(request, response)
  local connection = response:start_sse()
  sleep(1)
  connection:finish("slept")
end)
HTTPServer.register_route("GET", "/limits", function(request, response) response:set_json(HTTPServer.get_limits()) end)
"""
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"


def exchange(server, *pieces, pause=0.0):
    """What comes back until the server ends the connection, which must not be a reset."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)
        answer = b""
        while piece := client.recv(4096):
            answer += piece
        return answer


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", answer)]


SLOW = {
    "nothing": ([], []),
    "an empty line": ([b"\r\n"], []),
    "a byte": ([b"G"], [408]),
    "half a head": ([b"GET / HTTP/1.1\r\nHost: a\r\nX: y"], [408]),
    "no body": ([POST + b"\r\n"], [408]),
    "half a body": ([POST + b"\r\nab"], [408]),
    "no body though told to go on": ([POST + b"Expect: 100-continue\r\n\r\n"], [100, 408]),
    "one request": ([POST + b"\r\nabc"], [200]),
    "one request and half a head": ([POST + b"\r\nabcGET /"], [200, 408]),
    "one request and no body": ([POST + b"\r\nabc" + POST + b"\r\n"], [200, 408]),
}


@pytest.mark.parametrize("pieces, wanted", SLOW.values(), ids=SLOW)
def test_a_client_that_goes_no_further_is_let_go(serve, scripts, pieces, wanted):
    server = serve(scripts(main=SHORT + ROUTES))
    answer = exchange(server, *pieces)
    assert statuses(answer) == wanted
    assert (b"\r\nConnection: close\r\n" in answer) == (408 in wanted)


def test_a_byte_now_and_then_does_not_help(serve, scripts):
    server = serve(scripts(main=SHORT + ROUTES))
    with pytest.raises(OSError) as failure:  # the server does not wait for the last of them
        exchange(server, b"GET / HTTP/1.1\r\nX: ", *[b"y"] * 100, pause=0.1)
    assert not isinstance(failure.value, TimeoutError)


@pytest.mark.parametrize("path", ["/long", "/events"])
def test_who_waits_for_a_script_or_listens_has_any_time(serve, scripts, path):
    server = serve(scripts(main=SHORT + ROUTES))
    with httpx.Client(base_url=server.url) as session:
        assert "slept" in session.get(path).text


def test_the_command_line_goes_before_scripts_and_the_descriptors_before_both(serve, scripts):
    wish = "HTTPServer.set_limits { max_connections = 10000, max_connections_per_ip = 50 }"
    few = ["prlimit", "--nofile=200:200"]
    for options, prefix, wanted in [
        ([], [], (10000, 50)),
        (["--max-connections", 20], [], (20, 50)),
        (["--max-connections-per-ip", 5], [], (10000, 5)),
        (["--threads", 1], few, (200 - 128 - 6, 50)),
        (["--threads", 1, "--max-connections", 150], few, (200 - 128 - 6, 50)),
        (["--threads", 1, "--max-connections", 30], few, (30, 50)),
    ]:
        limits = httpx.get(serve(scripts(main=wish + ROUTES), *options, prefix=prefix).url + "/limits").json()
        assert (limits["max_connections"], limits["max_connections_per_ip"]) == wanted, options


def test_a_limit_that_is_none_is_found_before_serving(scripts):
    result = run("check", scripts(main="HTTPServer.set_limits { max_conections = 5 }"))
    assert result.returncode == 1
    assert "main.lua:1: HTTPServer.set_limits: unknown option 'max_conections'" in result.stderr
    assert "did you mean 'max_connections'" in result.stderr


# MARK: TLS


@pytest.fixture
def encrypted(serve, scripts):
    """`encrypted(limits)` serves the routes over TLS."""

    def start(limits):
        listen = 'HTTPServer.listen(0, "127.0.0.1", true, "key.pem", "certificate.pem")\n'
        directory = scripts(main=f"HTTPServer.set_limits {{ {limits} }}\n" + listen + ROUTES)
        make_certificate(directory)
        return serve(directory)

    return start


def shake_hands(plain):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"], ids=["nothing", "its begin"])
def test_a_tls_handshake_that_does_not_end_is_let_go(encrypted, sent):
    server = encrypted("tls_handshake_timeout = 0.3")
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as client:
        client.sendall(sent)
        assert client.recv(4096) == b""


def test_the_time_for_a_head_begins_after_the_handshake(encrypted):
    server = encrypted("tls_handshake_timeout = 0, header_timeout = 0.3, idle_timeout = 0.3")
    for sent, wanted in [(b"GET /limits HTTP/1.1\r\nHost: a\r\n\r\n", [200]), (b"GET /", [408]), (b"", [])]:
        with closing(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) as plain:
            time.sleep(0.6)
            with shake_hands(plain) as client:
                client.sendall(sent)
                answer = b""
                while piece := client.recv(4096):
                    answer += piece
                assert statuses(answer) == wanted


# MARK: slowhttptest

BIG = 512 << 10
ATTACKED = f"""
HTTPServer.set_limits {{ header_timeout = 1, body_timeout = 1, idle_timeout = 1 }}
local big = ("x"):rep({BIG})
HTTPServer.register_route("GET", "/big", function(request, response) response.body = big end)
HTTPServer.register_route("*", "/small", function(request, response) response.body = "small" end)
"""
COUNT = 200
# What is attacked, how, for how long at most, what becomes of the connections, and what each may take of the memory.
ATTACKS = {
    "slow heads": ("/small", ["-H"], 30, "No open connections left", 16 << 10),
    "slow bodies": ("/small", ["-B"], 30, "No open connections left", 16 << 10),
    # One answer each, though ten are asked for. Such a client is let be as long as it takes something.
    "slow reading": ("/big", ["-X", "-k", 10, "-w", 512, "-y", 1024, "-n", 1, "-z", 32], 5, "Hit test time limit", BIG),
}


def resident_bytes(pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) << 10


def sockets(pid):
    links = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            links.append(str(link.readlink()))
    return sum("socket:" in link for link in links)


@pytest.mark.parametrize("path, options, seconds, end, each", ATTACKS.values(), ids=ATTACKS)
def test_slowhttptest_takes_no_more_than_it_may_and_the_others_are_served(
    serve, scripts, path, options, seconds, end, each
):
    server = serve(scripts(main=ATTACKED))
    pid = server.process.pid
    assert httpx.get(server.url + "/small").text == "small"
    idle, most, served = sockets(pid), resident_bytes(pid), 0
    room = most + COUNT * each + (32 << 20)
    command = ["slowhttptest", *options, "-c", COUNT, "-r", COUNT, "-i", 1, "-l", seconds, "-p", PATIENCE, "-v", 1]
    command = [str(word) for word in [*command, "-u", server.url + path]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as attack:
        output = []
        reader = threading.Thread(target=lambda: output.extend(attack.stdout))
        reader.start()
        while attack.poll() is None:
            assert httpx.get(server.url + "/small", timeout=PATIENCE).text == "small"
            served += 1
            most = max(most, resident_bytes(pid))
        reader.join()
    said = "".join(output)
    assert end in said, said
    assert served > 1
    assert most < room, f"{most >> 20} MiB"
    deadline = time.monotonic() + PATIENCE
    while sockets(pid) > idle:
        assert time.monotonic() < deadline, "connections are left"
        time.sleep(0.05)
