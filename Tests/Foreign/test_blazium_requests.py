"""What Blazium's HTTPServer gets wrong about requests: entries 12 to 18 of the list in docs/blazium.md."""

import ctypes
import errno
import os
import re
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from blazium import OPEN, SCRIPT, exchange, parse, request
from support import BINARY, PATIENCE, Server


@pytest.fixture
def server(serve, scripts):
    return serve(scripts(main=SCRIPT))


# MARK: 12. preflights are 404, error pages cannot be read, there is one origin

PAGE = "Origin: https://game.example"


@pytest.mark.parametrize("target", ["/echo", "/events", "/nowhere"])
def test_a_preflight_is_answered_without_a_route(server, target):
    asked = ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization, last-event-id"]
    line, headers, body = parse(exchange(server, request("OPTIONS", target, PAGE, *asked)))
    assert (line, body) == ("HTTP/1.1 204 No Content", b"")
    assert headers["access-control-allow-origin"] == "*"
    assert {"GET", "POST", "DELETE"} <= set(headers["access-control-allow-methods"].split(", "))
    allowed = headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "last-event-id"} <= set(allowed)


@pytest.mark.parametrize(
    "method, target, status",
    [("GET", "/nowhere", 404), ("DELETE", "/echo", 405), ("GET", "/broken", 500), ("GET", "/%zz", 400)],
)
def test_a_page_may_read_why_its_request_failed(serve, scripts, method, target, status):
    broken = "HTTPServer.register_route('GET', '/broken', function() error('broken') end)"
    server = serve(scripts(main=SCRIPT + broken), may_log_errors=True)
    line, headers, _ = parse(exchange(server, request(method, target, PAGE)))
    assert (line.split()[1], headers["access-control-allow-origin"]) == (str(status), "*")


@pytest.mark.parametrize(
    "origin, allowed, credentials",
    [("https://a.example", "https://a.example", "true"), ("https://b.example", "https://b.example", "true"),
     ("https://c.example", None, None)],
)  # fmt: skip
def test_of_several_origins_the_one_that_asks_is_named(serve, scripts, origin, allowed, credentials):
    main = """
    HTTPServer.set_cors_origins { "https://a.example", "https://b.example" }
    HTTPServer.set_cors_credentials(true)
    """
    _, headers, _ = parse(exchange(serve(scripts(main=SCRIPT + main)), request("GET", "/echo", f"Origin: {origin}")))
    assert headers.get("access-control-allow-origin") == allowed
    assert headers.get("access-control-allow-credentials") == credentials
    assert headers["vary"] == "Origin"


# MARK: 13. routes, parameters and statuses

ROUTES = """
local function show(request, response)
  local words = {}
  for key, value in pairs(request.path_params) do words[#words + 1] = key .. "=" .. value end
  for _, value in ipairs(request:get_query_params("a")) do words[#words + 1] = "a=" .. value end
  response.body = table.concat(words, "&")
end
HTTPServer.register_route("GET", "/{a}/{b}/list", show)
HTTPServer.register_route("GET", "/score/{name}", show)
HTTPServer.register_route("GET", "/score/{name}/best", show)
HTTPServer.register_route("GET", "/files/{path...}", show)
HTTPServer.register_route("GET", "/status/{code}", function(request, response)
  response.status_code = math.tointeger(request.path_params.code)
end)
"""


@pytest.fixture(scope="module")
def routes(tmp_path_factory):
    directory = tmp_path_factory.mktemp("routes")
    (directory / "main.lua").write_text(ROUTES)
    server = Server([BINARY, "serve", directory, "--port", 0, "--log-format", "json"])
    yield server.wait_until_listening()
    server.clean_up()


@pytest.mark.parametrize(
    "target, body",
    [
        ("/score/ann%20b%2Fc", b"name=ann b/c"),
        ("/score/%C3%A9", "name=é".encode()),
        ("/score/x?a=b=c", b"name=x&a=b=c"),
        ("/score/x?a=1&b=2&a=3", b"name=x&a=1&a=3"),
        ("/score/x/best", b"name=x"),  # nothing of the first route, which fits half the way
        ("/files/maps/moon/1.txt", b"path=maps/moon/1.txt"),
    ],
)
def test_parameters_arrive_whole_decoded_and_only_those_of_the_route(routes, target, body):
    assert parse(exchange(routes, request("GET", target)))[2] == body


def test_a_known_path_with_another_method_says_which_ones_it_has(routes):
    line, headers, _ = parse(exchange(routes, request("POST", "/score/x")))
    assert line == "HTTP/1.1 405 Method Not Allowed"
    assert {"GET", "HEAD"} <= set(headers["allow"].split(", "))


def test_head_is_answered_by_the_route_for_get(routes):
    line, headers, body = parse(exchange(routes, request("HEAD", "/score/x")))
    assert (line, headers["content-length"], body) == ("HTTP/1.1 200 OK", "6", b"")


@pytest.mark.parametrize(
    "status", ["202 Accepted", "301 Moved Permanently", "302 Found", "304 Not Modified", "307 Temporary Redirect",
               "409 Conflict", "410 Gone", "418 I'm a teapot", "429 Too Many Requests", "502 Bad Gateway"]
)  # fmt: skip
def test_every_usual_status_has_its_reason(routes, status):
    assert parse(exchange(routes, request("GET", f"/status/{status[:3]}")))[0] == f"HTTP/1.1 {status}"


# MARK: 14. one request a connection, bodies of text with a length


def test_a_chunked_body_arrives(server):
    pieces = [b"3\r\nabc\r\n", b"5;x=y\r\n" + bytes([0, 13, 10, 255, 254]) + b"\r\n", b"0\r\n\r\n"]
    answer = exchange(server, request("POST", "/echo", "Transfer-Encoding: chunked"), *pieces)
    assert parse(answer)[2] == b"abc" + bytes([0, 13, 10, 255, 254])


def test_requests_in_one_piece_on_one_connection_are_answered_in_order(server):
    first = [f"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n{n}".encode() for n in range(9)]
    answer = exchange(server, b"".join(first) + request("POST", "/echo", "Content-Length: 1", body=b"9"))
    assert re.findall(rb"\r\n\r\n(.)", answer) == [str(number).encode() for number in range(10)]


# MARK: 15. the loop polls, and small writes wait for each other


def wake_ups(server):
    """How often the server's threads have gone to sleep so far."""
    count = 0
    for status in Path(f"/proc/{server.process.pid}/task").glob("*/status"):
        count += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M)[1])
    return count


def test_an_idle_server_sleeps(serve, scripts, connect):
    """A loop that polls every 6.9 ms wakes 72 times between two heartbeats of half a second."""
    beat = """
    HTTPServer.register_route("GET", "/beat", function(request, response) response:start_sse { ping_duration = 0.5 } end)
    """
    server = serve(scripts(main=SCRIPT + beat))
    idle = [connect(server, "/events") for _ in range(20)]
    for client in idle:
        client.read_until(OPEN)
    client = connect(server, "/beat")
    client.read_until(OPEN)
    client.read_until(b":\n")
    before = wake_ups(server)
    client.read_until(b":\n")
    assert wake_ups(server) - before < 35


def sockets_of(server):
    """The server's sockets, as copies of its descriptors: the kernel gives them to the parent of a process."""
    process = os.pidfd_open(server.process.pid)
    for entry in Path(f"/proc/{server.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if os.readlink(entry).startswith("socket:"):
                descriptor = ctypes.CDLL(None, use_errno=True).syscall(438, process, int(entry.name), 0)  # pidfd_getfd
                if descriptor < 0 and ctypes.get_errno() == errno.EBADF:
                    continue  # closed meanwhile
                if descriptor < 0:
                    pytest.skip(f"pidfd_getfd: {os.strerror(ctypes.get_errno())}")
                yield socket.socket(fileno=descriptor)
    os.close(process)


def test_small_writes_do_not_wait_for_each_other(server, connect):
    client = connect(server, "/events")
    client.read_until(OPEN)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as waiting:
        waiting.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert waiting.recv(100).startswith(b"HTTP/1.1 100 ")
        no_delay = {}
        for own in sockets_of(server):
            with own, suppress(OSError):  # the one that listens has no peer
                no_delay[own.getpeername()] = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        peers = [client.socket.getsockname(), waiting.getsockname()]
        assert [no_delay[peer] for peer in peers] == [1, 1]


# MARK: 16. tokens in the log


def test_no_secret_of_a_query_is_logged(serve, scripts, connect):
    server = serve(scripts(main=SCRIPT), "--log-requests", "--log-level", "trace", may_log_errors=True)
    client = connect(server, "/events?token=s3cret")
    client.read_until(OPEN)
    client.close()
    for method, path in [("POST", "/echo"), ("GET", "/echo"), ("GET", "/nowhere"), ("POST", "/lua"), ("GET", "/%zz")]:
        exchange(server, request(method, f"{path}?page=2&access_token=s3cret&Api_Key=s3cret"))
    server.log.wait("^closed")
    server.stop()
    assert "s3cret" not in str(server.log)
    assert "/echo?page=2" in str(server.log), "a request is logged without its secrets"


# MARK: 17. a stream that is a file, or an error

OTHERS = ["set_file('main.lua')", "set_body('x')", "set_json{}", "set_status(404)"]


@pytest.mark.parametrize("call", OTHERS)
def test_a_response_that_is_something_else_becomes_no_stream(serve, scripts, call):
    main = f"""
    HTTPServer.register_route("GET", "/mixed", function(request, response)
      response:{call}
      print("start_sse", (pcall(response.start_sse, response)), #HTTPServer.get_active_sse_connections())
    end)
    """
    server = serve(scripts(main=main))
    _, headers, _ = parse(exchange(server, request("GET", "/mixed")))
    assert "event-stream" not in headers.get("content-type", "")
    server.log.wait(r"^start_sse\sfalse\s0$")


@pytest.mark.parametrize("call", OTHERS)
def test_a_stream_becomes_nothing_else(serve, scripts, call):
    main = f"""
    HTTPServer.register_route("GET", "/mixed", function(request, response)
      local connection = response:start_sse()
      connection:send((pcall(function() response:{call} end)))
      connection:close()
    end)
    """
    line, headers, body = parse(exchange(serve(scripts(main=main)), request("GET", "/mixed")))
    assert (line, headers["content-type"]) == ("HTTP/1.1 200 OK", "text/event-stream; charset=utf-8")
    assert body == b":\ndata: false\n\n"


# MARK: 18. the size of a request is a guess, and who exceeds it sees a reset


@pytest.mark.parametrize("size, status", [(1023, 200), (1024, 200), (1025, 413), (1 << 23, 413)])
def test_the_size_of_a_request_is_exact_and_who_exceeds_it_is_told(serve, scripts, size, status):
    """A client that sends all of its body before it reads gets the whole answer as well."""
    server = serve(scripts(main=SCRIPT + "HTTPServer.set_max_request_size(1024)"))
    line, headers, body = parse(exchange(server, request("POST", "/echo", f"Content-Length: {size}"), b"x" * size))
    assert line.split()[1] == str(status)
    assert int(headers["content-length"]) == len(body)
