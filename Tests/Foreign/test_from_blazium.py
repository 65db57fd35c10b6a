"""The example from Blazium's pages: what its clients see."""

import json
from contextlib import ExitStack, contextmanager

import httpx
import httpx_sse
import pytest
from selenium.webdriver.common.by import By

from pages import faults_of
from support import EXAMPLES, PATIENCE
from test_browser import browser, wait

EXAMPLE = EXAMPLES / "from-blazium"


@pytest.fixture
def server(serve):
    return serve(EXAMPLE)


@contextmanager
def events(server):
    with (
        httpx.Client(timeout=PATIENCE) as client,
        httpx_sse.connect_sse(client, "GET", f"{server.url}/api/events") as source,
    ):
        stream = source.iter_sse()
        yield lambda: (lambda event: (event.event, event.data))(next(stream))


def test_the_routes_answer(server):
    with httpx.Client(base_url=server.url) as http:
        page = http.get("/")
        assert page.headers["Content-Type"] == "text/html" and "<h1>Scores</h1>" in page.text
        assert http.get("/api/health").json() == {"ok": True}
        assert http.get("/api/scores/ann").status_code == 404
        assert http.post("/api/scores/ann", json={"score": 7}).status_code == 201
        assert http.get("/api/scores/ann").json() == {"player": "ann", "score": 7}
        assert http.post("/api/scores/ann", content="{").status_code == 201, "no JSON is as no data"


def test_a_new_client_is_welcomed_by_the_signal_and_all_get_what_is_sent(server):
    with ExitStack() as stack:
        clients = [stack.enter_context(events(server)) for _ in range(3)]
        for client in clients:
            assert client() == ("welcome", "Connected!")
        httpx.post(f"{server.url}/api/scores/ann", content=json.dumps({"score": 7.5}))
        for client in clients:
            assert client() == ("score", "ann: 7.5")
    server.log.wait(r"^SSE client left: \t\d+$", count=3)
    opened = [record["message"] for record in server.log.find("^New SSE client")]
    assert opened == [f"New SSE client: \t{number}" for number in (1, 2, 3)]


def test_the_page_shows_what_is_sent(server, browser):
    browser.get(server.url)
    server.log.wait("^New SSE client")
    httpx.post(f"{server.url}/api/scores/ann", json={"score": 7})
    wait(browser, lambda: [item.text for item in browser.find_elements(By.TAG_NAME, "li")] == ["ann: 7"], "the score")
    assert faults_of(browser) == []
