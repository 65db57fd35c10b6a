"""What arrives through nginx, HAProxy and Caddy, set up as docs/operating.md says."""

import http.client
import re
from contextlib import ExitStack, closing

import httpx
import pytest

from documents import blocks
from proxies import KINDS, Proxy
from support import BINARY, PATIENCE, ROOT, Server, lua_string
from test_python_clients import PAYLOADS

DOCUMENT = ROOT / "docs" / "operating.md"

SCRIPT = """
HTTPServer.register_route("GET", "/quiet", function(request, response)
  response:start_sse { ping_duration = 0 }
end)
HTTPServer.register_route("GET", "/usual", function(request, response) response:start_sse() end)
HTTPServer.register_route("GET", "/beating", function(request, response)
  response:start_sse { ping_duration = 0.02 }
end)
HTTPServer.register_route("GET", "/payloads", function(request, response)
  local connection = response:start_sse { ping_duration = 0, retry = 1234, max_buffered_bytes = 16 << 20 }
  for number, payload in ipairs(payloads) do
    connection:comment("number " .. number)
    connection:send("标识 " .. number, "naïve", payload)
    if number % 3 == 0 then sleep(0) end
  end
  connection:retry(4321)
  connection:close()
end)
HTTPServer.register_route("GET", "/large", function(request, response)
  local connection = response:start_sse { ping_duration = 0 }
  connection:send(("0123456789"):rep(1000000))
  connection:close()
end)
HTTPServer.register_route("GET", "/channel", function(request, response)
  response:start_sse { ping_duration = 0, channels = { "c" } }
end)
HTTPServer.register_route("GET", "/finished", function(request, response) response:start_sse():finish("done") end)

HTTPServer.register_route("POST", "/say", function(request, response)
  response:set_json(HTTPServer.broadcast("said", request.body))
end)
HTTPServer.register_route("POST", "/publish", function(request, response)
  response.body = HTTPServer.channel("c"):publish_and_wait("news", request.body)
end)
HTTPServer.register_route("POST", "/close", function(request, response)
  for _, id in ipairs(HTTPServer.get_active_sse_connections()) do HTTPServer.close_sse_connection(id) end
end)
HTTPServer.sse_connection_opened:connect(function(id, path) print("opened", path) end)
HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)

HTTPServer.register_route("*", "/echo", function(request, response)
  response:set_header("X-Kind", "echo"):set_json {
    method = request.method, target = request.raw_path, cookie = request:get_header("Cookie"), body = request.body,
    query = request.query_params,
  }
end)
HTTPServer.register_route("GET", "/moved", function(request, response)
  response:set_status(302):set_header("Location", "/echo?a=b")
end)
HTTPServer.register_route("GET", "/nothing", function(request, response) response:set_status(204) end)
"""
DATA = f"payloads = {{{', '.join(map(lua_string, PAYLOADS.values()))}}}"


class Body:
    """The body of an answer as it comes, without the framing of HTTP."""

    def __init__(self, port, path, headers=None):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        accepted = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, deflate, br"}
        self._connection.request("GET", path, headers=accepted | (headers or {}))
        self.response = self._connection.getresponse()
        self._unread = b""

    def read_until(self, end):
        """The bytes up to and with `end`."""
        while end not in self._unread:
            piece = self.response.read1(65536)
            assert piece, f"the body ended before {end!r}, after {self._unread!r}"
            self._unread += piece
        taken, _, self._unread = self._unread.partition(end)
        return taken + end

    def read_to_end(self):
        """The bytes up to the body's end, which must be a clean one."""
        pieces = [self._unread]
        while piece := self.response.read1(65536):
            pieces.append(piece)
        self._unread = b""
        return b"".join(pieces)

    def close(self):
        self.response.close()
        self._connection.close()


@pytest.fixture
def read():
    """`read(port, path)` gives a `Body`, and closes it after the test."""
    bodies = []

    def start(*arguments):
        bodies.append(Body(*arguments))
        return bodies[-1]

    yield start
    for body in bodies:
        body.close()


def start_proxy(kind, server, directory):
    """A proxy with the block of the document; it is closed at the end of a `with`."""
    [block] = [block.text for block in blocks(DOCUMENT.read_text()) if block.language == kind]
    return closing(Proxy(kind, block, server, directory))


@pytest.fixture(params=KINDS)
def proxy(request, silent_streams, scripts, serve, tmp_path):
    """A proxy with a server of its own behind it, at `proxy.server`."""
    (tmp_path / "proxy").mkdir()
    server = serve(scripts(data=DATA, main=SCRIPT))
    with start_proxy(request.param, server, tmp_path / "proxy") as proxy:
        yield proxy


@pytest.fixture(scope="session")
def silent_streams(tmp_path_factory):
    """A server, and through each proxy a stream of it on which nothing is sent."""
    place = tmp_path_factory.mktemp("silent")
    (place / "main.lua").write_text(SCRIPT)
    with ExitStack() as stack:
        server = Server([BINARY, "serve", place, "--port", 0, "--log-format", "json"])
        stack.callback(server.clean_up)
        server.wait_until_listening()
        streams = []
        for kind in KINDS:
            proxy = stack.enter_context(start_proxy(kind, server, tmp_path_factory.mktemp(kind)))
            streams.append(stack.enter_context(closing(Body(proxy.port, "/usual"))))
        yield server, streams


def post(server, path, body=""):
    """Asks the server itself; returns what it answers."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


# MARK: streams


def test_the_first_byte_of_a_stream_comes_at_once(proxy, read):
    stream = read(proxy.port, "/quiet")
    assert stream.response.status == 200
    assert stream.response.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    assert stream.response.getheader("Cache-Control") == "no-cache, no-transform"
    assert stream.response.getheader("Content-Encoding") is None
    assert stream.read_until(b"\n") == b":\n"


def test_each_event_arrives_before_the_next_is_sent(proxy, read):
    stream = read(proxy.port, "/quiet")
    stream.read_until(b":\n")
    for number in range(200):
        said = str(number) * (1 + number % 7)
        assert post(proxy.server, "/say", said) == "1"
        assert stream.read_until(b"\n\n") == f"event: said\ndata: {said}\n\n".encode()


def test_a_stream_passes_byte_for_byte(proxy, read):
    direct = read(proxy.server.port, "/payloads").read_to_end()
    assert direct.startswith(b":\nretry: 1234\n") and direct.endswith(b"retry: 4321\n")
    assert direct.count(b"event: na\xc3\xafve\n") == len(PAYLOADS)
    assert read(proxy.port, "/payloads").read_to_end() == direct


def test_an_event_of_10_mb_passes_unchanged(proxy, read):
    assert read(proxy.port, "/large").read_to_end() == b":\ndata: " + b"0123456789" * 1_000_000 + b"\n\n"


def test_heartbeats_pass(proxy, read):
    stream = read(proxy.port, "/beating")
    for _ in range(20):
        assert stream.read_until(b"\n") == b":\n"


def test_a_client_that_leaves_is_told_to_the_script(proxy, read):
    """At once, but for HAProxy: it notices when it has something to send, if only a heartbeat."""
    path = "/beating" if proxy.kind == "haproxy" else "/quiet"
    stream = read(proxy.port, path)
    stream.read_until(b":\n")
    proxy.server.log.wait(rf"^opened\s{path}$")
    stream.close()
    proxy.server.log.wait(r"^closed\s1\sclient$")


def test_a_stream_that_the_server_closes_ends_cleanly_at_the_client(proxy, read):
    stream = read(proxy.port, "/quiet")
    stream.read_until(b":\n")
    post(proxy.server, "/say", "last")
    post(proxy.server, "/close")
    assert stream.read_to_end() == b"event: said\ndata: last\n\n"


def test_a_server_that_stops_tells_the_client_when_to_come_back(proxy, read):
    stream = read(proxy.port, "/quiet")
    stream.read_until(b":\n")
    proxy.server.stop()
    assert re.fullmatch(rb"retry: \d+\n", stream.read_to_end())


def test_a_client_that_comes_back_gets_what_it_missed(proxy, read):
    stream = read(proxy.port, "/channel")
    stream.read_until(b":\n")
    seen = post(proxy.server, "/publish", "seen")
    assert stream.read_until(b"\n\n") == f"id: {seen}\nevent: news\ndata: seen\n\n".encode()
    stream.close()
    missed = [post(proxy.server, "/publish", f"missed {number}") for number in range(50)]
    stream = read(proxy.port, "/channel", {"Last-Event-ID": seen})
    stream.read_until(b":\n")
    for number, event_id in enumerate(missed):
        assert stream.read_until(b"\n\n") == f"id: {event_id}\nevent: news\ndata: missed {number}\n\n".encode()
    live = post(proxy.server, "/publish", "live")
    assert stream.read_until(b"\n\n") == f"id: {live}\nevent: news\ndata: live\n\n".encode()


def test_the_204_after_finish_passes(proxy, read):
    text = read(proxy.port, "/finished").read_to_end().decode()
    assert text.endswith("data: done\n\n")
    [last] = re.findall("^id: (.*)$", text, re.MULTILINE)
    answer = read(proxy.port, "/finished", {"Last-Event-ID": last})
    assert (answer.response.status, answer.read_to_end()) == (204, b"")


def test_fifty_streams_at_once_get_every_event(proxy, read):
    streams = [read(proxy.port, "/quiet") for _ in range(50)]
    for stream in streams:
        stream.read_until(b":\n")
    for number in range(5):
        assert post(proxy.server, "/say", str(number)) == "50"
        for stream in streams:
            assert stream.read_until(b"\n\n") == f"event: said\ndata: {number}\n\n".encode()


# MARK: ordinary requests

OF_THE_PROXY = {"date", "server", "via", "connection", "keep-alive", "transfer-encoding", "content-length", "host"}
REQUESTS = {
    "a target with escapes": ("GET", "/echo?a=%20b&a=%C3%A9&x=1%2B1", {"Cookie": "a=b; c=d"}, None),
    "HEAD": ("HEAD", "/echo", {}, None),
    "a body": ("POST", "/echo", {}, b"\0\r\n" * 1000),
    "a body in chunks": ("PUT", "/echo", {}, [b"one", b"two" * 10_000]),
    "a large body": ("POST", "/echo", {}, b"x" * 1_000_000),
    "another method": ("DELETE", "/say", {}, None),
    "no such path": ("GET", "/nowhere", {}, None),
    "a redirect": ("GET", "/moved", {}, None),
    "no content": ("GET", "/nothing", {}, None),
}


def answer(port, method, path, headers, body):
    url = f"http://127.0.0.1:{port}{path}"
    content = iter(body) if isinstance(body, list) else body
    answer = httpx.request(method, url, headers=headers, content=content, timeout=PATIENCE)
    kept = [(name, value) for name, value in answer.headers.multi_items() if name not in OF_THE_PROXY]
    return answer.status_code, sorted(kept), answer.content


def test_ordinary_answers_are_what_the_server_gives_itself(proxy):
    direct = {name: answer(proxy.server.port, *request) for name, request in REQUESTS.items()}
    assert {name: answer(proxy.port, *request) for name, request in REQUESTS.items()} == direct


def test_a_body_that_is_too_large_gets_413(proxy):
    """nginx has the same limit, and a page of its own."""
    assert answer(proxy.port, "POST", "/echo", {}, b"x" * ((1 << 20) + 1))[0] == 413


# MARK: a minute of silence


@pytest.mark.timeout(120)
@pytest.mark.last
def test_a_stream_without_events_stays_open_by_its_heartbeats(silent_streams):
    """nginx and HAProxy give up after a minute of silence. The streams are open since the first test of a proxy."""
    server, streams = silent_streams
    for stream in streams:
        for _ in range(1 + 5):
            assert stream.read_until(b"\n") == b":\n"
    assert post(server, "/say", "still there") == "3"
    for stream in streams:
        assert re.fullmatch(rb"(:\n)*event: said\ndata: still there\n\n", stream.read_until(b"\n\n"))
