"""S42-Core's example: what its clients see. ExampleTests has the seconds."""

import json
import re
from contextlib import closing

import httpx
import pytest

from blazium import OPEN
from support import BINARY, EXAMPLES, Server
from test_python_clients import httpx_events, sseclient_events

EXAMPLE = EXAMPLES / "from-s42core"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def server(request):
    server = Server([BINARY, "serve", EXAMPLE, "--port", 0, "--log-format", "json"])
    request.addfinalizer(server.clean_up)
    return server.wait_until_listening()


@pytest.mark.parametrize("follow", [httpx_events, sseclient_events], ids=["httpx-sse", "sseclient-py"])
def test_the_client_is_welcomed_with_its_uuid_and_gets_the_event_and_then_the_end(server, follow):
    with closing(follow(f"{server.url}/events")) as events:
        welcome, example = list(events)
    assert (welcome.type, welcome.id) == ("welcome", "0")
    assert re.fullmatch(UUID, json.loads(welcome.data)["uuid"])
    assert (example.type, example.id, json.loads(example.data)) == ("exampleEvent", "1", {"data": "Hello, SSE!"})


def test_the_welcome_is_the_first_thing_on_the_wire(server, connect):
    client = connect(server, "/events")
    client.read_until(OPEN)
    assert re.fullmatch(rf'id: 0\nevent: welcome\ndata: {{"uuid":"{UUID}"}}\n\n', client.read_until(b"\n\n").decode())


@pytest.mark.parametrize("path", ["/", "/other", "/events/1", "/events?x=1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_anything_else_is_404(server, method, path):
    answer = httpx.request(method, server.url + path)
    assert (answer.status_code, answer.text) == (404, "")


def test_it_says_where_it_runs(server):
    server.log.wait(rf"^Server running at http://localhost:{server.port}/$")
