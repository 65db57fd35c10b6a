"""Swiftybase's example over Redis, on two nodes: what the clients of both see."""

from contextlib import closing

import httpx
import pytest

from support import EXAMPLES
from test_python_clients import httpx_events

EXAMPLE = EXAMPLES / "from-swiftybase"


@pytest.fixture
def nodes(serve, redis_servers, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_servers().url())
    return [serve(EXAMPLE) for _ in range(2)]


def counter(node, name):
    """Events on the channel; the first one names the client's controller."""
    return closing(httpx_events(f"{node.url}/counter?name={name}"))


def until(events, type, data):
    """The events up to that one, with it."""
    found = []
    for event in events:
        found.append(event)
        if (event.type, event.data) == (type, data):
            return found
    raise AssertionError(f"the stream ended without {type} {data}: {found}")


def test_each_counter_reaches_the_clients_of_both_nodes_in_one_order(nodes):
    with counter(nodes[0], "tick") as first, counter(nodes[1], "tock") as second:
        assert next(first).type == next(second).type == "controller"
        here, there = until(first, "tock", "1"), until(second, "tock", "1")
    assert [event.data for event in here if event.type == "tick"][:2] == ["0", "1"]
    common = [event for event in here if event in there]
    assert {event.type for event in common} == {"tick", "tock"}
    assert [event for event in there if event in here] == common
    assert len({event.id for event in common}) == len(common)


def test_a_controller_is_removed_by_its_id_from_the_other_node(nodes):
    with counter(nodes[0], "tick") as removed, counter(nodes[1], "tock") as stays:
        controller, other = next(removed).data, next(stays).data
        until(removed, "tick", "0")

        def remove(node, id):
            return httpx.delete(f"{node.url}/counter/{id}").json()["result"]

        assert remove(nodes[1], controller) == "OK"
        list(removed)  # it ends
        until(stays, "tock", "1")
        assert remove(nodes[1], controller) == "ERR_DOES_NOT_EXIST"
        assert remove(nodes[0], "nobody") == "ERR_DOES_NOT_EXIST"
        assert remove(nodes[1], other) == "OK"
        list(stays)
