"""`mooncast tail` from connection to connection: when it asks again, redirects, TLS, a server that comes and goes."""

import re
import signal

import httpx
import pytest

from streams import CHUNKED, GONE, HEAD, HOLD, RETRY, Relay, chunk, events, make_certificate, tls_context
from support import run

# MARK: asking again


def test_the_next_request_has_the_last_id_and_the_stream_goes_on(answers, tail):
    server = answers(
        HEAD + RETRY + b"id: 1\ndata: a\n\nid: 2\ndata: half",
        [HEAD, b"data: b\n\n"],
        [CHUNKED, chunk(b"id: 3\ndata: c\n\n"), b"5\r\nda"],
        [HEAD[:-2] + b"Content-Length: 100\r\n\r\n", b"data: d\n\n"],
        GONE,
    )
    reader = tail(server.url, "--json")
    assert reader.wait() == 0
    assert events(reader.rest()) == [
        ("message", "a", "1"), ("message", "b", "1"), ("message", "c", "3"), ("message", "d", "3")
    ]
    asked = [server.next_request().headers.get("last-event-id") for _ in range(5)]
    assert asked == [None, "1", "1", "3", "3"]
    assert not server.has_request()
    assert len(reader.log.find("asking again in 0.1 s")) == 4
    assert len(reader.log.find("connected again")) == 3


def test_a_server_that_is_away_is_asked_until_it_is_there(answers, tail):
    server = answers([HEAD, b"data: a\n\n", HOLD], listens=False)
    reader = tail(server.url, "--json", "--count", 1)
    record = reader.log.wait("connection refused")
    wait = float(re.search(r"asking again in (\d+\.\d) s", record["message"])[1])
    assert 3 <= wait <= 6
    server.listen()
    assert reader.event()["data"] == "a"
    assert reader.wait() == 0


def test_a_reset_and_garbage_are_reasons_to_ask_again(answers, tail):
    server = answers(HEAD + RETRY + b"data: a\n\n", b"", b"SSH-2.0-x\r\n", HEAD + b"data: b\n\n", GONE)
    reader = tail(server.url, "--json")
    assert reader.data(2) == ["a", "b"]
    assert reader.wait() == 0
    assert reader.log.find("it was closed") and reader.log.find("does not speak HTTP/1.1")


def test_a_name_that_no_host_has_is_said(tail):
    reader = tail("http://no.such.host.invalid/")
    reader.log.wait("no connection to no.such.host.invalid:80: there is no such host; asking again in")


# MARK: redirects


def redirect(code, location):
    return f"HTTP/1.1 {code} x\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("code, again", [(301, "/b"), (302, "/a"), (303, "/a"), (307, "/a"), (308, "/b")])
def test_a_redirect_is_followed_and_only_a_permanent_one_remembered(answers, tail, code, again):
    server = answers(redirect(code, "b"), HEAD + RETRY + b"id: 1\ndata: x\n\n", GONE)
    assert tail(server.url + "/a", "--header", "X: y").wait() == 0
    requests = [server.next_request() for _ in range(3)]
    assert [request.target for request in requests] == ["/a", "/b", again]
    assert all(request.headers["x"] == "y" for request in requests)
    assert requests[2].headers["last-event-id"] == "1"


def test_the_users_fields_do_not_follow_to_another_server(answers, tail):
    other = answers(HEAD + b"data: x\n\n")
    server = answers(redirect(307, other.url + "/there?"))
    reader = tail(server.url, "--header", "Authorization: secret", "--last-event-id", "7", "--count", 1)
    assert reader.wait() == 0
    assert server.next_request().headers["authorization"] == "secret"
    request = other.next_request()
    assert "authorization" not in request.headers
    assert (request.target, request.headers["last-event-id"]) == ("/there?", "7")
    assert request.headers["host"] == f"127.0.0.1:{other.port}"


def test_a_circle_of_redirects_ends(answers):
    server = answers(redirect(302, "/"))
    result = run("tail", server.url)
    assert (result.returncode, result.stderr) == (1, f"mooncast: {server.url}/: more than 5 redirects\n")


# MARK: TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "DNS:localhost,IP:127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("trust", ["--cacert", "--insecure"])
def test_https_works_with_a_certificate_of_ones_own(answers, tail, certificate, host, trust):
    server = answers(HEAD + RETRY + b"id: 1\ndata: a\n\n", [HEAD, b"data: b\n\n", HOLD], context=tls_context(*certificate))
    options = [trust, certificate[0]] if trust == "--cacert" else [trust]
    reader = tail(server.url.replace("127.0.0.1", host), "--json", "--count", 2, *options)
    assert reader.data(2) == ["a", "b"]
    assert reader.wait() == 0
    assert [server.next_request().headers.get("last-event-id") for _ in range(2)] == [None, "1"]


def test_a_redirect_may_lead_to_https(answers, tail, certificate):
    server = answers(HEAD + b"data: a\n\n", context=tls_context(*certificate))
    reader = tail(answers(redirect(301, server.url)).url, "--json", "--count", 1, "--insecure")
    assert reader.data(1) == ["a"]


def test_a_certificate_of_nobody_known_ends_it(answers, certificate):
    server = answers(HEAD, context=tls_context(*certificate))
    check_untrusted(server, ["of no authority that is trusted here", "--cacert", "--insecure"])


def test_a_certificate_for_another_name_ends_it(answers, tmp_path):
    certificate, key = make_certificate(tmp_path, "DNS:example.org")
    server = answers(HEAD, context=tls_context(certificate, key))
    check_untrusted(server, ["for another name"], "--cacert", certificate)
    server.url = server.url.replace("127.0.0.1", "localhost")
    check_untrusted(server, ["for another name"], "--cacert", certificate)


def test_https_to_a_server_without_tls_ends_it(answers):
    server = answers(b"HTTP/1.1 400 Bad Request\r\n\r\n", reads=False)
    server.url = server.url.replace("http:", "https:")
    result = run("tail", server.url)
    assert result.returncode == 1
    assert "TLS handshake failed" in result.stderr


def check_untrusted(server, named, *options):
    result = run("tail", server.url, *options)
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith(f"mooncast: {server.url}/: ")
    assert [text for text in named if text not in line] == []
    assert not server.has_request()


@pytest.mark.parametrize(
    "name, reason", [("missing", "no such file or directory"), ("empty", "holds no certificate"),
                     ("text", "holds no certificate"), (".", "holds no certificate")]
)
def test_a_bad_file_of_authorities_is_named(tmp_path, name, reason):
    (tmp_path / "empty").write_text("")
    (tmp_path / "text").write_text("hello\n")
    result = run("tail", "https://127.0.0.1:1/", "--cacert", tmp_path / name)
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert line.startswith(f"mooncast: --cacert: '{tmp_path / name}'") and reason in line


# MARK: a real server

CHANNEL = """
HTTPServer.register_route("GET", "/news", function(request, response)
  response:start_sse { channels = { "news" }, retry = 50 }
end)
HTTPServer.register_route("POST", "/news", function(request, response)
  response.body = HTTPServer.channel("news"):publish_and_wait("update", request.body)
end)
"""


def publish(server, *texts):
    """The ids of the publications."""
    return [httpx.post(f"{server.url}/news", content=text).text for text in texts]


def test_it_begins_behind_the_event_that_was_named(serve, scripts, tail):
    server = serve(scripts(main=CHANNEL))
    first, *rest = publish(server, "a", "b", "c")
    reader = tail(f"{server.url}/news", "--json", "--last-event-id", first, "--count", 3)
    missed = [reader.event(), reader.event()]
    assert [(event["type"], event["data"], event["id"]) for event in missed] == [
        ("update", "b", rest[0]), ("update", "c", rest[1])
    ]
    [last] = publish(server, "d")
    assert reader.event()["id"] == last
    assert reader.wait() == 0


def test_nothing_is_lost_or_doubled_over_a_network_that_breaks(serve, scripts, tail, request):
    server = serve(scripts(main=CHANNEL))
    relay = Relay(server.port)
    request.addfinalizer(relay.close)
    first = publish(server, "first")[0]
    reader = tail(f"{relay.url}/news", "--json", "--last-event-id", first)
    expected = []
    for number in range(8):
        texts = [f"{number}.{part}" for part in range(5)]
        publish(server, *texts[:2])
        relay.cut()
        publish(server, *texts[2:])
        expected += texts
        assert reader.data(5) == texts
    assert len(reader.log.find("connected again")) >= 1
    assert reader.interrupt() == -signal.SIGINT
    assert reader.rest() == []


def test_a_server_that_is_killed_and_started_again_is_found_again(serve, launch, scripts, tail):
    directory = scripts(main=CHANNEL)
    first = serve(directory)
    reader = tail(f"{first.url}/news", "--json", "--last-event-id", publish(first, "x")[0])
    publish(first, "a")
    assert reader.event()["data"] == "a"
    first.process.kill()
    first.process.wait()
    reader.log.wait("the stream ended|connection reset|connection refused|it was closed")
    second = serve(directory, port=first.port)
    [last] = publish(second, "b")
    event = reader.event()
    if event["type"] == "stream-reset":  # who comes back after the publication is told that the history is another
        event = reader.event()
    assert (event["data"], event["id"]) == ("b", last)
    assert reader.log.find("connected again")


def test_a_server_that_stops_says_when_to_come_back(serve, scripts, tail):
    server = serve(scripts(main=CHANNEL))
    reader = tail(f"{server.url}/news", "--json", "--last-event-id", publish(server, "x")[0])
    publish(server, "a")
    reader.event()
    server.stop()
    record = reader.log.wait("the stream ended; asking again in")
    wait = float(re.search(r"in (\d+\.\d) s", record["message"])[1])
    assert 1 <= wait <= 5


def test_finish_ends_it(serve, scripts):
    main = """
    HTTPServer.register_route("GET", "/", function(request, response)
      local connection = response:start_sse { retry = 50 }
      connection:finish("bye")
    end)
    """
    server = serve(scripts(main=main))
    result = run("tail", server.url, "--json")
    assert result.returncode == 0
    assert [(event[0], event[1]) for event in events(result.stdout.splitlines())] == [("end", "bye")]
