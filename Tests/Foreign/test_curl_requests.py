"""How curl sends requests: in chunks, over one connection, in an old version, many at once, and too large."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import PATIENCE
from test_curl import answer, curl

ROUTES = """
HTTPServer.register_route("GET", "/words", function(request, response)
  response:set_header("X-Kind", "word").body = "some words"
end)
HTTPServer.register_route("*", "/echo", function(request, response)
  response:set_header("X-Method", request.method):set_header("X-Version", request.http_version).body = request.body
end)
HTTPServer.register_route("POST", "/only-post", function(request, response) response.body = "posted" end)
HTTPServer.register_route("GET", "/stream", function(request, response) response:start_sse() end)
HTTPServer.register_route("GET", "/empty", function(request, response) response:set_status(204) end)
HTTPServer.register_route("GET", "/moved", function(request, response)
  response:set_status(302):set_header("Location", "/words")
end)
HTTPServer.register_route("GET", "/json", function(request, response) response:set_json { list = { 1, 2 } } end)
HTTPServer.register_route("GET", "/broken", function() error("broken") end)

-- Answers nobody before all are there.
local waiting, all = 0, Signal.new("all")
HTTPServer.register_route("GET", "/meet/{count}/{number}", function(request, response)
  waiting = waiting + 1
  if waiting == tonumber(request.path_params.count) then all:emit() else await(all) end
  response.body = request.path_params.number .. "\\n"
end)
"""


@pytest.fixture
def url(serve, scripts):
    directory = scripts(main=ROUTES)
    (directory / "public").mkdir()
    (directory / "public" / "index.html").write_text("<!doctype html><title>a page</title>")
    (directory / "public" / "data.bin").write_bytes(bytes(range(256)) * 400)
    return serve(directory, may_log_errors=True).url


# MARK: bodies


@pytest.mark.parametrize("size", [0, 1, 65_536, 1 << 20], ids=["nothing", "a byte", "64 KiB", "all that is allowed"])
@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"], ids=["asked first", "sent at once"])
def test_an_upload_in_chunks_comes_back(url, size, expect):
    """`-T -` sends what it reads from its standard input, whose length it does not know."""
    body = bytes(index * 7 % 251 for index in range(size))
    result = curl("-v", "-H", expect, "--expect100-timeout", 60, "-T", "-", f"{url}/echo", sent=body)
    assert result.returncode == 0, result.stderr
    assert b"> Transfer-Encoding: chunked" in result.stderr
    assert (b"< HTTP/1.1 100 " in result.stderr) == (expect != "Expect:")
    assert b"< X-Method: PUT\r\n" in result.stderr
    assert result.stdout == body


def test_what_is_uploaded_is_read_while_it_is_made(url):
    """curl sends each part when it is given one."""
    command = ["curl", "-sS", "-N", "--no-progress-meter", "-H", "Expect:", "-T", ".", f"{url}/echo"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as client:
        for part in range(20):
            client.stdin.write(f"part {part}\n".encode())
        client.stdin.close()
        assert client.stdout.read() == b"".join(f"part {part}\n".encode() for part in range(20))
        assert client.wait(PATIENCE) == 0


@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"], ids=["asked first", "sent at once"])
def test_an_upload_in_chunks_that_is_too_large_is_refused_with_413(url, expect):
    result = curl("-o", "/dev/null", "-w", "%{http_code}", "-H", expect, "-T", "-", f"{url}/echo", sent=bytes(8 << 20))
    assert result.stdout == b"413", result.stderr


def test_a_form_with_files_arrives_as_curl_sent_it(url, tmp_path):
    (tmp_path / "file.bin").write_bytes(bytes(range(256)) * 100)
    status, _, body = answer("-F", "name=Zoë 🌙", "-F", f"file=@{tmp_path}/file.bin;type=image/png", f"{url}/echo")
    assert status == 200
    assert "\r\n\r\nZoë 🌙\r\n--".encode() in body
    assert b"\r\nContent-Type: image/png\r\n\r\n" + bytes(range(256)) * 100 + b"\r\n--" in body


# MARK: versions and connections


def test_http_1_0_is_answered_and_the_connection_closed(url):
    status, headers, body = answer("--http1.0", f"{url}/words")
    assert (status, body) == (200, b"some words")
    assert headers["content-length"] == "10"
    assert "transfer-encoding" not in headers
    assert headers.get("connection", "close") == "close"


def test_http_1_0_posts_a_body(url):
    status, headers, body = answer("--http1.0", "--data-binary", "a=b", f"{url}/echo")
    assert (status, headers["x-method"], headers["x-version"], body) == (200, "POST", "1.0", b"a=b")


def connects(*arguments):
    """What curl gets, and how many connections each of its requests has opened."""
    result = curl("-w", "\n%{http_code} %{num_connects}\n", *arguments)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.decode().splitlines()]
    return [(int(line[0]), int(line[1])) for line in lines if len(line) == 2 and line[1].isdecimal()]


def test_one_connection_serves_many_requests(url):
    paths = "/json /words /nowhere / /empty /only-post /moved /json /echo /broken /words".split()
    statuses = [200, 200, 404, 200, 204, 405, 302, 200, 200, 500, 200]
    seen = connects(*(word for path in paths for word in (url + path, "-o", "/dev/null")))
    assert [status for status, _ in seen] == statuses
    assert [count for _, count in seen] == [1] + [0] * (len(paths) - 1)


def test_one_connection_serves_many_bodies(url, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * 100_000)
    outputs = [word for number in range(10) for word in (f"{url}/echo?{number}", "-o", tmp_path / f"out{number}")]
    seen = connects("--data-binary", f"@{tmp_path}/body", *outputs)
    assert seen == [(200, 1)] + [(200, 0)] * 9
    assert all((tmp_path / f"out{number}").read_bytes() == b"x" * 100_000 for number in range(10))


def test_heads_and_bodies_may_alternate_on_one_connection(url):
    requests = [["-I", "/words"], ["/words"], ["-I", "/data.bin"], ["-d", "x", "/echo"], ["/json"]]
    arguments = []
    for *options, path in requests:
        arguments += ["--next", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n", *options, url + path]
    result = curl(*arguments[1:])
    assert result.stdout.decode().splitlines() == ["200 1", "200 0", "200 0", "200 0", "200 0"], result.stderr


def test_a_client_that_wants_to_close_is_told_so(url):
    _, headers, _ = answer("-H", "Connection: close", f"{url}/words")
    assert headers["connection"] == "close"
    assert connects("-H", "Connection: close", f"{url}/words", f"{url}/words") == [(200, 1), (200, 1)]


def test_fifty_requests_at_once_are_answered_together(url):
    arguments = ["--http1.1", "--parallel", "--parallel-immediate", "--parallel-max", 50]
    result = curl(*arguments, f"{url}/meet/50/[1-50]")
    assert result.returncode == 0, result.stderr
    assert sorted(map(int, result.stdout.split())) == list(range(1, 51))


def test_a_redirect_is_followed(url):
    result = curl("-L", "-w", "%{num_redirects} %{num_connects}", f"{url}/moved")
    assert result.stdout == b"some words1 1"


# MARK: too large


@pytest.mark.parametrize(
    "arguments, status",
    [
        (["-H", f"X-Large: {'x' * 20_000}"], 431),
        ([word for number in range(150) for word in ("-H", f"X-{number}: x")], 431),
        (["--data-binary", "@-", "-H", "Expect:"], 413),
    ],
    ids=["a large field", "many fields", "a large body"],
)
def test_what_is_too_large_is_refused_with_a_status(url, arguments, status):
    result = curl("-i", *arguments, f"{url}/echo", sent=bytes(2 << 20))
    assert result.returncode == 0, result.stderr
    head, _, text = result.stdout.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert text


def test_a_target_that_is_too_long_is_refused_with_414(url):
    status, _, text = answer(f"{url}/{'x' * 9000}")
    assert status == 414
    assert text


def test_refusals_are_for_each_request_and_not_for_the_client(url):
    """Fifty clients at once: what one of them is refused does not touch the others."""
    with ThreadPoolExecutor(10) as pool:
        targets = [f"{url}/{'x' * 9000}" if number % 2 else f"{url}/words" for number in range(50)]
        assert [status for status, _, _ in pool.map(answer, targets)] == [200, 414] * 25


# MARK: HEAD


@pytest.mark.parametrize(
    "path", "/words /echo /json /empty /moved /broken /only-post /nowhere / /index.html /data.bin".split()
)
def test_head_is_answered_as_get_is_but_for_the_body(url, path):
    status, headers, body = answer("--head", url + path)
    status_of_get, headers_of_get, _ = answer(url + path)
    differing = {"date", "x-method"}
    if path == "/only-post":
        differing.add("content-length")  # the text of a 405 names the method
    for name in differing:
        headers.pop(name, None)
        headers_of_get.pop(name, None)
    assert (status, headers, body) == (status_of_get, headers_of_get, b"")


def test_head_of_a_stream_ends_at_once(url):
    status, headers, body = answer("--head", f"{url}/stream")
    assert (status, body) == (200, b"")
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer("--head", f"{url}/stream")[0] == 200
