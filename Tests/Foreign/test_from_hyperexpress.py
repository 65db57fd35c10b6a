"""HyperExpress' example: what its clients see."""

import time

import httpx
import pytest

from blazium import OPEN
from support import EXAMPLES, PATIENCE

EXAMPLE = EXAMPLES / "from-hyperexpress"
FIRST = b": open\ndata: Some initial message\n\n"


@pytest.fixture
def server(serve):
    return serve(EXAMPLE)


@pytest.fixture
def open_stream(server, connect):
    def open_it():
        client = connect(server, "/news/events")
        head = client.read_until(OPEN)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"text/event-stream; charset=utf-8\r\n" in head
        assert client.read_until(b"\n\n") == FIRST
        return client

    return open_it


def broadcast(server, message):
    """To how many streams it went."""
    return httpx.post(f"{server.url}/news", content=message).json()["streams"]


def test_a_stream_opens_with_the_comment_and_the_first_message(open_stream):
    open_stream()


def test_a_broadcast_reaches_every_stream_as_it_was_sent(server, open_stream):
    clients = [open_stream() for _ in range(3)]
    assert broadcast(server, "one\ntwo") == 3
    for client in clients:
        assert client.read_until(b"\n\n") == b"data: one\ndata: two\n\n"


@pytest.mark.parametrize("way", ["FIN", "RST"])
def test_who_leaves_is_out_of_the_pool_and_the_others_go_on(server, open_stream, way):
    stays, leaves = open_stream(), open_stream()
    leaves.reset() if way == "RST" else leaves.close()
    deadline = time.monotonic() + PATIENCE
    while broadcast(server, "still") > 1:
        assert time.monotonic() < deadline, "the stream of the client that left is still there"
    assert stays.read_until(b"\n\n") == b"data: still\n\n"


def test_a_request_that_is_no_get_gets_the_answer_for_it(server):
    answer = httpx.head(f"{server.url}/news/events")
    assert answer.headers["Content-Length"] == str(len("Server-Sent Events Not Supported!"))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert httpx.post(f"{server.url}/news/events").status_code == 405


def test_an_open_stream_does_not_hold_up_the_stop(server, open_stream):
    client = open_stream()
    server.stop()
    assert client.read_to_end().startswith(b"retry: ")
