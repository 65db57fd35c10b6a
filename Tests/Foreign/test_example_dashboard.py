"""The example with the machine's load: what is measured, the history, and the page that draws it."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice

import httpx
import httpx_sse
import pytest
from selenium.webdriver import ActionChains

from pages import faults_of
from support import EXAMPLES, PATIENCE
from test_browser import browser, text, wait

EXAMPLE = EXAMPLES / "dashboard"
STAT = "cpu  {} 0 0 {} 0 0 0 0 50 0\ncpu0 1 0 0 1 0 0 0 0 0 0\ncpu1 1 0 0 1 0 0 0 0 0 0\nintr 1 2\nctxt 3\n"
MEMINFO = "MemTotal:    8388608 kB\nMemFree:       10000 kB\nMemAvailable: 6291456 kB\n"


@contextmanager
def events(server, last_event_id=None):
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    with (
        httpx.Client(timeout=PATIENCE) as client,
        httpx_sse.connect_sse(client, "GET", f"{server.url}/load", headers=headers) as source,
    ):
        yield source.iter_sse()


def sample(event):
    assert event.event == "sample"
    return json.loads(event.data)


def test_the_figures_are_those_of_proc(serve, monkeypatch, tmp_path):
    for name, content in {"stat": STAT.format(100, 100), "meminfo": MEMINFO, "loadavg": "0.42 0.1 0 1/2 3\n"}.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setenv("PROC", str(tmp_path))
    server = serve(EXAMPLE)
    (tmp_path / "new").write_text(STAT.format(100 + 30, 100 + 10))  # 30 ticks of work, 10 of rest
    (tmp_path / "new").rename(tmp_path / "stat")
    with events(server) as stream:
        working = next(found for found in map(sample, stream) if found["cpu"] > 0)
        assert working["cpu"] == 75
        assert (working["used"], working["total"]) == (2 * 2**30, 8 * 2**30)
        assert working["note"] == "load 0.42, 2 processors"
        assert next(map(sample, stream))["cpu"] == 0, "nothing has happened since"


def test_where_there_is_no_proc_they_are_the_servers_own(serve, monkeypatch, tmp_path):
    monkeypatch.setenv("PROC", str(tmp_path / "none"))
    with events(serve(EXAMPLE)) as stream:
        found = sample(next(stream))
    assert "there is no " + str(tmp_path / "none") in found["note"]
    assert 0 <= found["cpu"] < 1000 and 0 < found["used"] < found["total"] == 256 * 2**20


def test_each_second_has_a_sample_with_the_streams_that_are_open(serve):
    server = serve(EXAMPLE)
    with events(server) as first, events(server) as second:
        found = next(event for event in map(sample, first) if event["streams"] == 2)
        assert found in map(sample, second)
        following = sample(next(first))
    assert 0.5 < following["time"] - found["time"] < 5
    assert abs(found["time"] - time.time()) < 60
    assert 0 <= found["cpu"] <= 100 and 0 < found["used"] < found["total"]


def test_a_newcomer_gets_the_past_and_who_comes_back_what_it_missed(serve):
    server = serve(EXAMPLE)
    with events(server) as stream:
        seen = [event.id for event in islice(stream, 2)]
    with events(server) as stream:
        assert [event.id for event in islice(stream, 2)] == seen
    with events(server, last_event_id=seen[0]) as stream:
        assert next(stream).id == seen[1]


# MARK: the page


def times(browser):
    return browser.execute_script("return samples.map(sample => sample.time)")


def runs(browser):
    """How many lines without a gap each plot has."""
    draw = "const done = arguments[0]; draw(); requestAnimationFrame(() => requestAnimationFrame(done))"
    browser.execute_async_script(draw)
    lines = browser.find_elements("css selector", ".line")
    return [(line.get_attribute("d") or "").count("M") for line in lines]


@pytest.fixture
def page(serve, browser):
    """The server, and its page with a sample."""
    server = serve(EXAMPLE)
    browser.get(server.url)
    wait(browser, lambda: times(browser), "a sample")
    return server


def test_the_page_draws_the_load(page, browser):
    assert text(browser, "state") == "connected"
    assert runs(browser) == [1, 1, 1]
    shown = [output.text for output in browser.find_elements("css selector", "output")]
    assert shown[0].endswith(" %") and shown[1].endswith(" %")
    wait(browser, lambda: browser.find_elements("css selector", "output")[2].text == "1", "this page's stream")
    images = [image.accessible_name for image in browser.find_elements("css selector", "svg")]
    assert [name.split(" over time, from ")[0] for name in images] == ["CPU", "Memory", "Streams open"]
    assert faults_of(browser) == []

    assert text(browser, "time") == ""
    ActionChains(browser).move_to_element(browser.find_element("css selector", ".plot")).perform()
    wait(browser, lambda: text(browser, "time"), "the time under the pointer")
    assert all(mark.get_attribute("d") for mark in browser.find_elements("css selector", ".mark"))

    seen = times(browser)
    browser.refresh()
    wait(browser, lambda: len(times(browser)) >= len(seen), "the past on a new page")
    assert times(browser)[: len(seen)] == seen


def test_the_page_goes_on_after_a_restart(page, browser, serve):
    before = times(browser)
    page.stop()
    wait(browser, lambda: text(browser, "state") == "reconnecting", "the page notices that the server is gone")
    serve(EXAMPLE, port=page.port)
    wait(browser, lambda: text(browser, "state") == "connected", "the page connects again")
    wait(browser, lambda: times(browser)[-1] > before[-1], "a sample after the restart")
    assert times(browser)[: len(before)] == before, "what was before stays"

    # What is far apart is not joined. Of a sample from the future the server knows nothing, and its own count.
    browser.execute_script("samples.unshift({ ...samples[0], time: samples[0].time - 10 })")
    assert runs(browser) == [2, 2, 2]
    future = times(browser)[-1] + 10
    browser.execute_script("keep({ ...samples[0], time: arguments[0] })", future)
    wait(browser, lambda: times(browser)[-1] < future, "the server's own time")


class BadGateway(BaseHTTPRequestHandler):
    answered = threading.Event()

    def do_GET(self):
        self.send_error(502)
        self.answered.set()

    def log_message(self, *_):
        pass


def test_the_page_comes_back_after_a_proxys_error_page(page, browser, serve):
    before = times(browser)
    page.process.kill()
    page.process.wait()
    with HTTPServer(("127.0.0.1", page.port), BadGateway) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            assert BadGateway.answered.wait(PATIENCE)
        finally:
            proxy.shutdown()
            thread.join()
    serve(EXAMPLE, port=page.port)
    wait(browser, lambda: text(browser, "state") == "connected", "the page connects again")
    wait(browser, lambda: times(browser)[-1] > before[-1], "a sample after the error")
    assert times(browser)[: len(before)] == before
