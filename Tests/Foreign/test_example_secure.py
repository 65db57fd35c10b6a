"""The example with TLS and a log-in: the certificate, passwords, sessions, roles, other origins, and the page."""

import json
import shutil
import signal
import ssl
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import httpx_sse
import pytest

from pages import faults_of
from support import EXAMPLES, PATIENCE, run
from test_browser import browser, text, wait

FRIEND = "https://localhost:8444"
COOKIE = "__Host-session"
PASSWORDS = {"ann": "moonlight", "bob": "starlight"}
PAGE = b"<!doctype html><meta charset=utf-8><title>elsewhere</title><script>let entries = []</script>"


def make_certificate(directory):
    return subprocess.run([directory / "make-certificate"], capture_output=True, text=True, timeout=PATIENCE)


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """A copy of the example with a certificate."""
    directory = tmp_path_factory.mktemp("example") / "secure"
    shutil.copytree(EXAMPLES / "secure", directory, ignore=shutil.ignore_patterns("tls"))
    result = make_certificate(directory)
    assert result.returncode == 0, result.stderr
    return directory


@pytest.fixture
def server(serve, certified):
    server = serve(certified)
    server.url = f"https://localhost:{server.port}"
    return server


@contextmanager
def client_of(server, certified, user=None):
    """A client that trusts only the example's own certificate, logged in as `user`."""
    context = ssl.create_default_context(cafile=certified / "tls" / "certificate.pem")
    with httpx.Client(base_url=server.url, verify=context, timeout=PATIENCE) as client:
        if user:
            assert log_in(client, user).status_code == 204
        yield client


@pytest.fixture
def nobody(server, certified):
    with client_of(server, certified) as client:
        yield client


@pytest.fixture
def ann(server, certified):
    with client_of(server, certified, "ann") as client:
        yield client


@pytest.fixture
def bob(server, certified):
    with client_of(server, certified, "bob") as client:
        yield client


def log_in(client, name, password=None, **options):
    return client.post("/login", data={"name": name, "password": password or PASSWORDS.get(name, "")}, **options)


def write(client, words, **options):
    return client.post("/private/log", data={"text": words}, **options)


@contextmanager
def log_of(client, **headers):
    with httpx_sse.connect_sse(client, "GET", "/private/log", headers=headers) as source:
        source.response.raise_for_status()
        yield source.iter_sse()


def next_text(stream):
    return json.loads(next(stream).data)["text"]


# MARK: the certificate


def test_without_a_certificate_it_does_not_start_and_says_how_to_make_one(tmp_path):
    shutil.copytree(EXAMPLES / "secure", tmp_path / "secure", ignore=shutil.ignore_patterns("tls"))
    result = run("serve", tmp_path / "secure", "--port", 0)
    assert result.returncode != 0
    assert "run examples/secure/make-certificate" in result.stderr
    assert "tls/certificate.pem: no such file" in result.stderr


def test_the_key_is_for_its_owner_only_and_git_does_not_see_it(certified):
    assert (certified / "tls" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (certified / "tls").stat().st_mode & 0o777 == 0o700
    assert "tls/" in (EXAMPLES / "secure" / ".gitignore").read_text().split()


def test_a_renewed_certificate_is_taken_without_a_restart(serve, certified, tmp_path):
    directory = tmp_path / "secure"
    shutil.copytree(certified, directory)
    server = serve(directory)
    old = (directory / "tls" / "certificate.pem").read_text()
    assert make_certificate(directory).returncode == 0
    assert (new := (directory / "tls" / "certificate.pem").read_text()) != old
    server.send_signal(signal.SIGHUP)
    server.log.wait("certificate was read again")
    assert ssl.get_server_certificate(("127.0.0.1", server.port), timeout=PATIENCE).strip() == new.strip()


def test_the_certificate_is_good_for_each_name_of_this_machine(server, certified):
    for host in ("localhost", "127.0.0.1"):
        command = ["curl", "-sS", "--cacert", certified / "tls" / "certificate.pem", f"https://{host}:{server.port}/"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert "The ship's log" in result.stdout, result.stderr


# MARK: log in, log out


def test_who_logs_in_gets_a_cookie_that_only_the_browser_sees(nobody):
    answer = log_in(nobody, "ann")
    assert answer.status_code == 204
    [value, *attributes] = answer.headers["set-cookie"].split("; ")
    assert value.startswith(f"{COOKIE}=") and len(value) > 30
    assert {each.lower() for each in attributes} == {"path=/", "secure", "httponly", "samesite=strict"}
    assert nobody.get("/private/me").json() == {"name": "ann", "may_write": True}


WRONG = {
    "a wrong password": ("ann", "starlight"),
    "no password": ("ann", ""),
    "the beginning of one": ("ann", "moon"),
    "one and more": ("ann", "moonlightmoonlight"),
    "an unknown name": ("eve", "moonlight"),
    "an unknown name with what it is compared with": ("eve", "nobody's password"),
    "another's": ("bob", "moonlight"),
    "no name": ("", ""),
}


def test_a_wrong_name_or_password_gets_the_same_answer(serve, certified):
    answers = set()
    for half in (list(WRONG.values())[:4], list(WRONG.values())[4:]):  # each server takes five
        server = serve(certified)
        with client_of(server, certified) as client:
            for name, password in half:
                answer = client.post("/login", data={"name": name, "password": password})
                assert "set-cookie" not in answer.headers
                answers.add((answer.status_code, answer.headers["www-authenticate"], answer.text))
    assert answers == {(401, "Cookie", '{"error":"wrong name or password"}')}


def test_what_is_no_log_in_form_is_a_wrong_password(nobody):
    files = {"name": ("ann", b""), "password": ("moonlight", b"")}
    for body in (dict(content=b"\xff"), dict(json={"name": "ann"}), dict(files=files)):
        assert nobody.post("/login", **body).status_code == 401
    assert nobody.post("/login", content=bytes(17 * 1024)).status_code == 413


def test_after_five_wrong_passwords_the_right_one_has_to_wait(nobody):
    assert [log_in(nobody, "ann", "wrong").status_code for _ in range(5)] == [401] * 5
    answer = log_in(nobody, "ann")
    assert answer.status_code == 429 and answer.headers["retry-after"] == "60"


def test_without_a_session_nothing_below_private_is_answered(nobody):
    for cookie in (None, "", "x", "00000000-0000-4000-8000-000000000000", "../session", "session:"):
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie is not None else {}
        for path in ("/private/me", "/private/log", "/private", "/private/nothing"):
            answer = nobody.get(path, headers=headers)
            assert (answer.status_code, answer.json()) == (401, {"error": "log in first"}), path
        assert write(nobody, "words", headers=headers).status_code == 401


def test_logging_out_ends_the_session_and_its_streams(ann, bob):
    with log_of(ann) as hers, log_of(bob) as his:
        write(ann, "one")
        assert next_text(hers) == next_text(his) == "one"
        cookie = ann.cookies[COOKIE]
        answer = ann.post("/logout")
        assert answer.status_code == 204 and answer.headers["set-cookie"].startswith(f"{COOKIE}=; ")
        assert list(hers) == [], "her stream has ended"
        assert COOKIE not in ann.cookies
        assert ann.get("/private/me", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401
        assert log_in(ann, "ann").status_code == 204
        write(ann, "two")
        assert next_text(his) == "two", "his goes on"


def test_each_log_in_has_a_session_of_its_own_and_ends_the_one_before(nobody):
    log_in(nobody, "ann")
    before = nobody.cookies[COOKIE]
    log_in(nobody, "bob")
    assert nobody.cookies[COOKIE] != before
    assert nobody.get("/private/me").json()["name"] == "bob"
    assert nobody.get("/private/me", headers={"Cookie": f"{COOKIE}={before}"}).status_code == 401


# MARK: what is behind


def test_who_may_not_write_gets_403_and_reads_what_others_write(ann, bob):
    with log_of(bob) as stream:
        answer = write(bob, "mine")
        assert (answer.status_code, answer.json()) == (403, {"error": "bob may read, but not write"})
        assert write(ann, "hers").status_code == 204
        assert next_text(stream) == "hers"
    assert [write(ann, words).status_code for words in ("", "  ", "x" * 501)] == [400] * 3
    with log_of(ann) as stream:
        assert next_text(stream) == "hers", "a newcomer gets what was written"


def test_every_answer_has_the_headers_that_hold_a_page_back(nobody, ann):
    answers = [client.get(path) for client in (nobody, ann) for path in ("/", "/page.js", "/nothing", "/private/me")]
    for answer in answers:
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_friends_origin_may_read_and_write_and_no_other(ann, nobody):
    friend, stranger = {"Origin": FRIEND}, {"Origin": "https://localhost:8445"}
    for client, status in ((ann, 200), (nobody, 401)):
        answer = client.get("/private/me", headers=friend)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert answer.headers["access-control-allow-credentials"] == "true"
        answer = client.get("/private/me", headers=stranger)
        assert "access-control-allow-origin" not in answer.headers and "Origin" in answer.headers["vary"]

    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    assert nobody.options("/private/log", headers=friend | asked).headers["access-control-allow-origin"] == FRIEND
    assert "access-control-allow-origin" not in nobody.options("/private/log", headers=stranger | asked).headers

    assert write(ann, "from a friend", headers=friend).status_code == 204
    for origin in (stranger["Origin"], "null", "https://localhost", f"{FRIEND}.example.com", "http://localhost:8444"):
        for path in ("/private/log", "/login", "/logout"):
            assert ann.post(path, data={"text": "forged"}, headers={"Origin": origin}).status_code == 403
    with log_of(ann, Origin=FRIEND) as stream:
        assert next_text(stream) == "from a friend"
    answer = ann.get("/private/log", headers=stranger)
    assert answer.status_code == 403 and "from a friend" not in answer.text


# MARK: the page


def enter(browser, name, password=None):
    wait(browser, lambda: browser.find_element("id", "login").is_displayed(), "the log-in form")
    for field, value in {"name": name, "password": password or PASSWORDS[name]}.items():
        element = browser.find_element("name", field)
        element.clear()
        element.send_keys(value)
    browser.find_element("css selector", "#login button").click()


def write_in_page(browser, words):
    browser.find_element("name", "text").send_keys(words)
    browser.find_element("css selector", "#write button").click()


@pytest.fixture
def page(server, browser):
    """The page of somebody who has not been here before."""
    browser.get(server.url)
    browser.delete_all_cookies()
    browser.refresh()
    return server


def test_a_visitor_logs_in_writes_and_logs_out(page, browser):
    enter(browser, "ann", "wrong")
    wait(browser, lambda: text(browser, "error") == "wrong name or password", "why it was refused")
    assert faults_of(browser) == []
    assert not browser.find_element("id", "inside").is_displayed()
    enter(browser, "ann")
    wait(browser, lambda: text(browser, "state") == "connected", "the stream")
    assert text(browser, "name") == "ann" and text(browser, "error") == ""
    assert browser.execute_script("return document.cookie") == ""
    write_in_page(browser, "<img src=x onerror=\"document.title='taken'\">")
    wait(browser, lambda: "<img src=x" in text(browser, "log"), "the entry, as it was typed")
    assert browser.find_elements("css selector", "#log img") == []
    assert browser.execute_script("return document.title") == "Mooncast: secure"
    assert faults_of(browser) == []

    browser.find_element("id", "logout").click()
    enter(browser, "bob")
    wait(browser, lambda: "<img src=x" in text(browser, "log"), "what was written before")
    write_in_page(browser, "mine")
    wait(browser, lambda: text(browser, "error") == "bob may read, but not write", "why it was not written")
    browser.find_element("id", "logout").click()
    wait(browser, lambda: browser.find_element("id", "login").is_displayed(), "the log-in form")
    assert browser.get_cookies() == []


def test_the_page_shows_the_log_in_again_when_the_session_is_over(page, browser, serve, certified):
    enter(browser, "ann")
    wait(browser, lambda: text(browser, "state") == "connected", "the stream")
    cookie = browser.get_cookie(COOKIE)["value"]
    with client_of(page, certified) as other:
        other.post("/logout", headers={"Cookie": f"{COOKIE}={cookie}"})
    wait(browser, lambda: text(browser, "error") == "You are logged out.", "the page hears of it")
    assert not browser.find_element("id", "inside").is_displayed()

    enter(browser, "ann")
    wait(browser, lambda: text(browser, "state") == "connected", "the stream")
    page.process.kill()
    page.process.wait()
    wait(browser, lambda: text(browser, "state") == "reconnecting", "the page notices that the server is gone")
    serve(certified, port=page.port)  # its sessions were in memory
    wait(browser, lambda: text(browser, "error") == "You are logged out.", "the page comes back")


READ = """
const [url, done] = arguments
entries = []
new EventSource(`${url}/private/log`, { withCredentials: true })
  .addEventListener("entry", event => entries.push(JSON.parse(event.data).text))
fetch(`${url}/private/me`, { credentials: "include" }).then(answer => answer.json())
  .then(me => done(me.name), error => done(error.name))
"""
WRITE = """
const [url, text, mode, done] = arguments
fetch(`${url}/private/log`, { method: "POST", credentials: "include", mode, body: new URLSearchParams({ text }) })
  .then(answer => done(answer.status), error => done(error.name))
"""


class Elsewhere(BaseHTTPRequestHandler):
    """A page of another origin."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


@pytest.fixture
def elsewhere(certified):
    """Two other origins on this machine: of the same site as the example, so that its cookie comes along."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified / "tls" / "certificate.pem", certified / "tls" / "key.pem")
    with ExitStack() as servers:
        origins = []
        for _ in range(2):
            server = servers.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere))
            server.daemon_threads = True
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            servers.callback(server.shutdown)
            origins.append(f"https://localhost:{server.server_port}")
        yield origins


def test_a_browser_lets_the_friends_page_in_and_no_strangers(serve, certified, elsewhere, browser, monkeypatch):
    friend, stranger = elsewhere
    monkeypatch.setenv("FRIEND_ORIGIN", friend)
    url = f"https://localhost:{serve(certified).port}"
    browser.get(url)
    browser.delete_all_cookies()
    browser.refresh()
    enter(browser, "ann")
    wait(browser, lambda: text(browser, "state") == "connected", "the stream")

    browser.get(friend)
    assert browser.execute_async_script(READ, url) == "ann"
    assert browser.execute_async_script(WRITE, url, "from a friend", "cors") == 204
    wait(browser, lambda: browser.execute_script("return entries") == ["from a friend"], "the friend's stream")

    browser.get(stranger)
    assert browser.execute_async_script(READ, url) == "TypeError"
    assert browser.execute_async_script(WRITE, url, "forged", "cors") == "TypeError"
    assert browser.execute_async_script(WRITE, url, "forged", "no-cors") == 0, "sent, and the answer hidden"
    assert browser.execute_script("return entries") == []

    browser.get(friend)
    assert browser.execute_async_script(WRITE, url, "last", "cors") == 204
    browser.execute_async_script(READ, url)
    wait(browser, lambda: browser.execute_script("return entries.length") >= 2, "what was written")
    assert browser.execute_script("return entries") == ["from a friend", "last"]
