"""The cluster of the examples: its script, its nodes behind nginx, its page."""

import json
import os
import re
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress

import httpx
import httpx_sse
import pytest

from pages import faults_of
from proxies import PLACE as PROXIES
from proxies import free_port
from redis_server import PLACE as REDIS
from support import BINARY, EXAMPLES, PATIENCE, Log
from test_browser import browser, text, wait

START = EXAMPLES / "cluster" / "start"


def start(port, path):
    return subprocess.Popen(
        [START, str(port)],
        env=os.environ | {"PATH": path, "MOONCAST": str(BINARY)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def programs():
    return f"{REDIS}:{PROXIES / 'usr' / 'sbin'}:{os.environ['PATH']}"


class Example:
    """The script at work. `parts` are the processes by their names."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = start(self.port, programs())
        self.log = Log(self.process.stdout)
        self.parts, self.ports = {}, [self.port]
        try:
            self.log.wait("^Open http")
        except BaseException:
            self.end(signal.SIGKILL)
            raise
        for line in self.log.lines:
            if found := re.match(r"(\w+(?: \d)?) +127\.0\.0\.1:(\d+) \(process (\d+)\)$", line):
                self.parts[found[1]] = int(found[3])
                self.ports.append(int(found[2]))

    def end(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.log.finish()
            self.process.stdout.close()
        return code


@pytest.fixture
def example():
    example = Example()
    yield example
    example.end(signal.SIGINT)


@contextmanager
def events(url, last_event_id=None):
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    with (
        httpx.Client(timeout=PATIENCE) as client,
        httpx_sse.connect_sse(client, "GET", f"{url}/stream", headers=headers) as source,
    ):
        source.response.raise_for_status()
        yield source.iter_sse()


def next_of(stream, kind):
    return next(event for event in stream if event.event == kind)


def text_of(event):
    return json.loads(event.data)["text"]


def say(url, text):
    answer = httpx.post(f"{url}/lines", content=text, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_line_reaches_everyone_on_every_node(example):
    assert set(example.parts) == {"redis", "node 1", "node 2", "node 3", "nginx"}
    with events(example.url) as first, events(example.url) as second, events(example.url) as third:
        streams = (first, second, third)
        assert {next_of(stream, "node").data for stream in streams} == {"node 1", "node 2", "node 3"}
        sent = [say(example.url, f"line {number}") for number in range(9)]
        for stream in streams:
            lines = [next_of(stream, "line") for _ in range(9)]
            assert [text_of(line) for line in lines] == [f"line {number}" for number in range(9)]
            assert [line.id for line in lines] == [each["id"] for each in sent]
        assert next(event for event in third if event.event == "people" and event.data == "3")
    with events(example.url) as newcomer:
        assert [text_of(next_of(newcomer, "line")) for _ in range(9)] == [f"line {number}" for number in range(9)]


def test_who_was_on_a_node_that_is_killed_goes_on_with_another_one(example):
    with events(example.url) as stream:
        node = next_of(stream, "node").data
        say(example.url, "seen")
        last = next_of(stream, "line").id
        os.kill(example.parts[node], signal.SIGKILL)
        with suppress(httpx.RemoteProtocolError):  # or an end that looks like any other
            list(stream)
    for number in range(6):
        say(example.url, f"missed {number}")
    with events(example.url, last) as stream:
        assert next_of(stream, "node").data != node
        assert [text_of(next_of(stream, "line")) for _ in range(6)] == [f"missed {number}" for number in range(6)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_script_leaves_nothing_running(number):
    example = Example()
    assert example.end(number) == 128 + number
    for pid in example.parts.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    for port in example.ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), PATIENCE)


@pytest.mark.parametrize("missing", ["redis-server", "nginx"])
def test_a_program_that_is_missing_is_named_with_its_package(tmp_path, missing):
    for directory in ("/usr/bin", "/bin", REDIS, PROXIES / "usr" / "sbin"):
        for path in os.scandir(directory):
            if path.name != missing and not (tmp_path / path.name).exists():
                (tmp_path / path.name).symlink_to(path.path)
    text = START.read_text().replace("PATH=$PATH:/usr/sbin:/usr/local/sbin", ":")
    copy = tmp_path / "start"
    copy.write_text(text)
    copy.chmod(0o755)
    environment = os.environ | {"PATH": str(tmp_path), "MOONCAST": str(BINARY)}
    result = subprocess.run([copy, str(free_port())], env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 1
    assert result.stderr.startswith(f"start: there is no {missing}. ")
    assert "apt-get install redis-server nginx" in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_port_that_is_taken_is_said_to_be():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(port, programs())
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert said.decode().startswith(f"start: port {port} is in use")


def lines(browser):
    return [line.text.split("\n")[-1] for line in browser.find_elements("css selector", "li")]


def test_the_page_shows_its_node_and_changes_it(example, browser):
    browser.get(example.url)
    wait(browser, lambda: text(browser, "node").startswith("node "), "its node")
    browser.find_element("id", "text").send_keys("from the page <b>")
    browser.find_element("css selector", "button").click()
    wait(browser, lambda: lines(browser) == ["from the page <b>"], "its line")
    wait(browser, lambda: text(browser, "people") == "1", "who is here")
    assert faults_of(browser) == []
    node = text(browser, "node")
    os.kill(example.parts[node], signal.SIGKILL)
    say(example.url, "meanwhile")
    wait(browser, lambda: text(browser, "node") != node and text(browser, "state") == "connected", "another node")
    wait(browser, lambda: lines(browser) == ["meanwhile", "from the page <b>"], "what it missed, once")
