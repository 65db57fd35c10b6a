"""What curl sees."""

import re
import subprocess

import pytest

from support import EXAMPLES, PATIENCE

ROUTES = """
HTTPServer.register_route("GET", "/words", function(request, response)
  response:set_header("X-Kind", "word").body = "some words"
end)
HTTPServer.register_route("POST", "/echo", function(request, response) response.body = request.body end)
HTTPServer.register_route("GET", "/stream", function(request, response) response:start_sse() end)
"""


def curl(*arguments, sent=b""):
    command = ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE), *map(str, arguments)]
    return subprocess.run(command, input=sent, capture_output=True, timeout=2 * PATIENCE)


def answer(*arguments):
    """The status, the headers in lower case, and the body that `curl -i` prints."""
    result = curl("-i", *arguments)
    assert result.returncode == 0, result.stderr
    head, _, body = result.stdout.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    return int(first.split()[1]), headers, body


@pytest.mark.parametrize(
    "option", [[], ["--http1.0"], ["--http2"], ["--compressed"]], ids=lambda option: option[0] if option else "plain"
)
def test_curl_gets_the_head_and_ticks_of_a_stream_at_once(serve, option):
    server = serve(EXAMPLES / "hello")
    command = ["curl", "-siN", "--max-time", str(PATIENCE), *option, f"{server.url}/clock"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        head = {}
        assert client.stdout.readline().startswith(b"HTTP/1.1 200 ")
        while (line := client.stdout.readline().decode()) != "\r\n":
            name, _, value = line.rstrip("\r\n").partition(": ")
            assert name.lower() not in head, f"{name} is there twice"
            head[name.lower()] = value
        assert head["content-type"] == "text/event-stream; charset=utf-8"
        assert head["cache-control"] == "no-cache, no-transform"
        assert head["x-accel-buffering"] == "no"
        assert "content-length" not in head and "content-encoding" not in head
        assert client.stdout.readline() == b":\n", "a byte comes at once, for proxies"
        for _ in range(2):
            assert client.stdout.readline() == b"event: tick\n"
            assert re.fullmatch(rb"data: \d\d:\d\d:\d\d\n", client.stdout.readline())
            assert client.stdout.readline() == b"\n"
        client.terminate()


def test_a_path_that_nothing_is_at_gives_404_with_a_text(serve, scripts):
    status, headers, body = answer(f"{serve(scripts(main=ROUTES)).url}/nowhere")
    assert status == 404
    assert headers["content-type"].startswith("text/plain")
    assert int(headers["content-length"]) == len(body)
    assert b"/nowhere" in body


@pytest.mark.parametrize(
    "path, method, allowed",
    [
        ("/words", "POST", {"GET", "HEAD"}),
        ("/words", "DELETE", {"GET", "HEAD"}),
        ("/echo", "GET", {"POST"}),
        ("/echo", "PUT", {"POST"}),
        ("/stream", "POST", {"GET", "HEAD"}),
    ],
)
def test_another_method_gives_405_and_says_which_ones_are_allowed(serve, scripts, path, method, allowed):
    status, headers, body = answer("-X", method, serve(scripts(main=ROUTES)).url + path)
    assert status == 405
    assert set(headers["allow"].split(", ")) - {"OPTIONS"} == allowed
    assert method.encode() in body


@pytest.mark.parametrize("path", ["/words", "/stream"])
def test_head_carries_the_headers_of_get_and_no_byte_of_a_body(serve, scripts, path):
    url = serve(scripts(main=ROUTES)).url + path
    status, headers, body = answer("--head", url)
    assert (status, body) == (200, b"")
    if path == "/stream":
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-cache, no-transform"
    else:
        _, of_get, _ = answer(url)
        assert headers | {"date": ""} == of_get | {"date": ""}


def test_head_of_a_static_page_carries_its_length(serve):
    url = f"{serve(EXAMPLES / 'hello').url}/"
    page = (EXAMPLES / "hello" / "public" / "index.html").read_bytes()
    status, headers, body = answer("--head", url)
    assert (status, body, headers["content-length"]) == (200, b"", str(len(page)))
    assert answer(url)[2] == page


def test_options_of_the_whole_server_is_answered(serve, scripts):
    status, headers, body = answer("-X", "OPTIONS", "--request-target", "*", serve(scripts(main=ROUTES)).url)
    assert (status, body) == (204, b"")
    assert {"GET", "POST", "OPTIONS"} <= set(headers["allow"].split(", "))


@pytest.mark.parametrize("size", [1, 1 << 20], ids=["a byte", "the most that is allowed"])
def test_a_body_that_waits_for_100_continue_is_asked_for_and_comes_back(serve, scripts, tmp_path, size):
    body = tmp_path / "body"
    body.write_bytes(bytes(index % 251 for index in range(size)))
    url = f"{serve(scripts(main=ROUTES)).url}/echo"
    result = curl("-v", "-H", "Expect: 100-continue", "--expect100-timeout", 60, "--data-binary", f"@{body}", url)
    assert result.returncode == 0, result.stderr
    assert b"< HTTP/1.1 100 " in result.stderr
    assert b"< HTTP/1.1 200 " in result.stderr
    assert result.stdout == body.read_bytes()


@pytest.mark.parametrize("expect", [" 100-continue", ""], ids=["asked first", "sent at once"])
def test_a_body_that_is_too_large_is_refused_with_413(serve, scripts, tmp_path, expect):
    body = tmp_path / "body"
    body.write_bytes(bytes((1 << 20) + 1))
    url = f"{serve(scripts(main=ROUTES)).url}/echo"
    status, _, text = answer("-H", f"Expect:{expect}", "--data-binary", f"@{body}", url)
    assert status == 413
    assert text
