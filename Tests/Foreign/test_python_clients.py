"""What the Python clients httpx-sse and sseclient-py see: what the script sent."""

import json
import re
from contextlib import closing
from typing import NamedTuple

import httpx
import httpx_sse
import pytest
import requests
import sseclient

from support import EXAMPLES, PATIENCE, lua_string


class Event(NamedTuple):
    type: str
    data: str
    id: str = ""
    retry: int | None = None


def httpx_events(url, headers=None):
    with (
        httpx.Client(timeout=PATIENCE) as client,
        httpx_sse.connect_sse(client, "GET", url, headers=headers or {}) as source,
    ):
        for event in source.iter_sse():
            yield Event(event.event, event.data, event.id, event.retry)


def sseclient_events(url, headers=None):
    """Without a Content-Length, requests waits for whole pieces: one byte is the smallest."""
    wanted = {"Accept": "text/event-stream", **(headers or {})}
    with requests.get(url, headers=wanted, stream=True, timeout=PATIENCE) as response:
        for event in sseclient.SSEClient(response.iter_content(chunk_size=1)).events():
            yield Event(event.event, event.data, event.id or "", event.retry and int(event.retry))


@pytest.fixture(params=[httpx_events, sseclient_events], ids=["httpx-sse", "sseclient-py"])
def client(request):
    return request.param


def take(count, events):
    with closing(events):
        return [next(events) for _ in range(count)]


def route(body, options=""):
    """A script whose /events runs `body` with the open `connection`."""
    return f"""
    HTTPServer.register_route("GET", "/events", function(request, response)
      local connection = response:start_sse({options})
      {body}
    end)
    """


# MARK: the examples


def test_hello_sends_ticks(serve, client):
    events = take(2, client(f"{serve(EXAMPLES / 'hello').url}/clock"))
    assert [event.type for event in events] == ["tick", "tick"]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d", event.data) for event in events)


@pytest.mark.timeout(12)  # less than the time between heartbeats, which must not be what brings the event
def test_welcome_greets_each_client(serve, client):
    server = serve(EXAMPLES / "welcome")
    for number in (1, 2):
        assert take(1, client(f"{server.url}/events")) == [Event("welcome", "Connected!")]
        server.log.wait(rf"^New SSE client: \s{number}$")


def test_counter_counts_and_ends_when_the_client_leaves(serve, client):
    server = serve(EXAMPLES / "counter")
    assert take(2, client(f"{server.url}/counter")) == [Event("count", "1"), Event("count", "2")]
    server.log.wait(r"^counter of\s1\sended$", timeout=3)


# MARK: payloads

PAYLOADS = {
    "plain": b"hello",
    "empty": b"",
    "a space": b" ",
    "leading spaces": b"   three spaces",
    "trailing spaces": b"three spaces   ",
    "a leading tab": b"\ttab",
    "a leading colon": b": no comment",
    "LF": b"one\ntwo\nthree",
    "CRLF": b"one\r\ntwo\r\nthree",
    "CR": b"one\rtwo\rthree",
    "all line ends at once": b"one\n\rtwo\r\n\nthree\r\r\nfour",
    "leading line ends": b"\n\none",
    "trailing line ends": b"one\n\n",
    "only a line end": b"\n",
    "forged fields": b"x\nid: 666\nevent: evil\nretry: 1\n\ndata: y",
    "a forged event": b"x\r\rdata: y\n\n: z",
    "emoji": "👍🏽 and 👩‍👩‍👧‍👦".encode(),
    "many scripts": "naïve Ωμέγα Привет 你好 שלום".encode(),
    "what Python takes for line ends": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei".encode(),
    "a byte order mark": "\ufeffa".encode(),
    "NUL": b"a\0b",
    "invalid UTF-8": b"a\xffb\xc3(c\xe2\x82",
    "surrogates": b"a\xed\xa0\x80b",
    "1 MB in one line": b"0123456789abcdef" * (1 << 16),
    # Not more: one of the clients takes a time that grows with the square of the lines.
    "100 kB in lines": "zeile für zeile\r\n".encode() * 5825,
}


def normalised(payload):
    """What a client must see: as the script sent it, but for line ends and what is not UTF-8."""
    return re.sub("\r\n?", "\n", payload.decode("utf-8", "replace"))


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_data_arrives_as_it_was_sent(serve, scripts, client, payload):
    body = "connection:send('kind', data) connection:send('after') connection:close()"
    directory = scripts(data=f"data = {lua_string(payload)}", main=route(body, "{max_buffered_bytes = 4 << 20}"))
    url = f"{serve(directory).url}/events"
    assert list(client(url)) == [Event("kind", normalised(payload)), Event("message", "after")]


def test_an_event_of_10_mb_enters_an_empty_queue(serve, scripts):
    main = route("connection:send(string.rep('0123456789', 1000000)) connection:close()")
    url = f"{serve(scripts(main=main)).url}/events"
    assert list(httpx_events(url)) == [Event("message", "0123456789" * 1_000_000)]


CALLS = {
    "send(data)": ("connection:send('d')", Event("message", "d")),
    "send(event, data)": ("connection:send('tick', 'd')", Event("tick", "d")),
    "send(id, event, data)": ("connection:send('7', 'tick', 'd')", Event("tick", "d", "7")),
    "send{}": ("connection:send{id = '8', type = 'tick', data = 'd', retry = 1500}", Event("tick", "d", "8", 1500)),
    "send_event": ("connection:send_event('tick', 'd', '9')", Event("tick", "d", "9")),
    "send_data": ("connection:send_data('d')", Event("message", "d")),
    "send_sse_event": (
        "HTTPServer.send_sse_event(connection.connection_id, 'tick', 'd', '10')",
        Event("tick", "d", "10"),
    ),
    "send_sse_data": ("HTTPServer:send_sse_data(connection.connection_id, 'd')", Event("message", "d")),
    "a name and an id beyond ASCII": ("connection:send('标识 🌙', 'naïve', 'd')", Event("naïve", "d", "标识 🌙")),
    "an id of spaces": ("connection:send('  x ', 'tick', 'd')", Event("tick", "d", "  x ")),
    "retry before an event": ("connection:retry(2500) connection:send('d')", Event("message", "d", "", 2500)),
    "retry below zero": (
        "HTTPServer.send_sse_retry(connection.connection_id, -1) connection:send('d')",
        Event("message", "d", "", 0),
    ),
    "comments around an event": (
        "connection:comment('a\\r\\nb\\n\\nc') connection:send('d') connection:comment()",
        Event("message", "d"),
    ),
    "a refused type": ("connection:send('a\\nb', 'x') connection:send('d')", Event("message", "d")),
    "a refused id": ("connection:send('a\\0b', 'x', 'y') connection:send('d')", Event("message", "d")),
    "a boolean": ("connection:send('flag', true)", Event("flag", "true")),
    "a number": ("connection:send('half', 0.5)", Event("half", "0.5")),
}


@pytest.mark.parametrize("call, event", CALLS.values(), ids=CALLS.keys())
def test_every_way_to_send_gives_one_event_with_its_fields(serve, scripts, client, call, event):
    url = f"{serve(scripts(main=route(f'{call} connection:close()'))).url}/events"
    assert [one._replace(id=one.id or "") for one in client(url)] == [event]


def test_a_table_arrives_as_json(serve, scripts, client):
    value = "{text = 'a\\nb \"quoted\" 🌙', list = {1, 2.5, true}, none = JSON.null}"
    main = route(f"connection:send{{type = 'state', data = {value}}} connection:close()")
    [event] = client(f"{serve(scripts(main=main)).url}/events")
    assert event.type == "state"
    assert json.loads(event.data) == {"text": 'a\nb "quoted" 🌙', "list": [1, 2.5, True], "none": None}


@pytest.mark.parametrize(
    "query, headers, seen",
    [
        ("", {}, ""),
        ("", {"Last-Event-ID": "41"}, "41"),
        ("?lastEventId=42", {}, "42"),
        ("?lastEventId=43", {"Last-Event-ID": "44"}, "44"),
        ("", {"Last-Event-ID": "x" * 4096}, "x" * 4096),
        ("?lastEventId=%F0%9F%8C%99", {}, "🌙"),
    ],
    ids=["none", "header", "query", "header before query", "long", "beyond ASCII"],
)
def test_the_script_sees_the_last_event_id_of_a_client_that_comes_back(serve, scripts, client, query, headers, seen):
    url = f"{serve(scripts(main=route('connection:send(connection.last_event_id) connection:close()'))).url}/events"
    assert [event.data for event in client(url + query, headers)] == [seen]


# MARK: coming and going


def test_each_client_gets_its_own_events_in_order(serve, scripts, client):
    body = """
    for number = 1, 50 do
      connection:send("n", connection.connection_id .. ":" .. number)
      sleep(0)
    end
    connection:close()
    """
    url = f"{serve(scripts(main=route(body)), '--threads', 4).url}/events"
    streams = [client(url) for _ in range(10)]
    first = [next(stream) for stream in streams]
    for opening, stream in zip(first, streams):
        number = opening.data.split(":")[0]
        assert [opening.data, *(event.data for event in stream)] == [f"{number}:{index}" for index in range(1, 51)]
    assert len({event.data for event in first}) == 10


def test_clients_that_come_and_go_leave_nothing_behind(serve, connect, scripts):
    """More of them than the server has file descriptors; leaving by FIN and by RST, before and after the head."""
    main = (
        route("connection:send('hello')")
        + """
    local opened, closed = 0, 0
    HTTPServer.sse_connection_opened:connect(function() opened = opened + 1 end)
    HTTPServer.sse_connection_closed:connect(function(id, reason)
      closed = closed + 1
      if reason ~= "client" then Log.error("closed for the reason " .. reason) end
      local active = #HTTPServer.get_active_sse_connections()
      print(opened, "opened", closed, "closed", active, "active")
    end)
    HTTPServer.register_route("GET", "/opened", function(request, response) response.body = tostring(opened) end)
    """
    )
    # On one event loop, whose connections are served in the order of their arrival.
    server = serve(scripts(main=main), "--threads", 1, prefix=["prlimit", "--nofile=200:200"])
    for number in range(1000):
        client = connect(server, "/events")
        if number % 2:
            client.read_until(b"data: hello\n\n")
        if number % 4 < 2:
            client.close()
        else:
            client.reset()
    opened = int(httpx.get(f"{server.url}/opened").text)
    assert opened >= 500
    server.log.wait(rf"^{opened}\sopened\s{opened}\sclosed\s0\sactive$")
