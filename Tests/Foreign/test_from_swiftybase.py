"""Swiftybase's example for one stream: what its clients see. ExampleTests has the seconds; what is published over Redis
has test_from_swiftybase_cluster.py."""

import shutil
from contextlib import closing
from itertools import islice

import httpx
import pytest

from support import EXAMPLES
from test_python_clients import httpx_events, sseclient_events

EXAMPLE = EXAMPLES / "from-swiftybase"


@pytest.fixture
def server(serve, tmp_path):
    """The one script that needs no Redis."""
    directory = tmp_path / "upgrade"
    directory.mkdir()
    shutil.copy(EXAMPLE / "upgrade.lua", directory)
    return serve(directory)


@pytest.mark.parametrize("follow", [httpx_events, sseclient_events], ids=["httpx-sse", "sseclient-py"])
def test_the_client_gets_the_first_event_and_then_the_indices(server, follow):
    with closing(follow(f"{server.url}/index")) as events:
        found = [(event.type, event.data) for event in islice(events, 3)]
    assert found == [("welcome", "Connected!"), ("message", "0"), ("message", "1")]


@pytest.mark.parametrize("origin, status", [("https://app.example.com", 200), ("https://evil.example", 403)])
def test_only_pages_of_the_allowed_origin_may_open_it(server, origin, status):
    with httpx.stream("GET", f"{server.url}/index", headers={"Origin": origin}) as answer:
        assert answer.status_code == status
        assert answer.headers["Content-Type"].startswith("text/event-stream") == (status == 200)
        assert answer.headers["Access-Control-Allow-Origin"] == (origin if status == 200 else "*")  # it may read why
