"""What curl and Python's gzip make of compressed answers."""

import gzip
import json
import subprocess

import pytest

from support import PATIENCE

ROUTES = """
HTTPServer.set_compression_enabled(true)
local numbers = {}
for i = 1, 5000 do numbers[i] = { number = i, text = "line " .. i } end
local bytes = {}
for i = 1, 200000 do bytes[i] = string.char((i * i >> 7) & 0xFF) end
HTTPServer.register_route("GET", "/large", function(request, response) response:set_json(numbers) end)
HTTPServer.register_route("GET", "/small", function(request, response) response:set_json { small = true } end)
HTTPServer.register_route("GET", "/bytes", function(request, response) response:set_body(table.concat(bytes)) end)
HTTPServer.register_route("GET", "/fails", function() error("oh") end)
HTTPServer.set_not_found_handler(function(request, response)
  response:set_content_type("text/html"):set_body(("<p>nothing is here</p>\\n"):rep(500))
end)
HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse():send_data(("words "):rep(1000)):close()
end)
"""
NUMBERS = [{"number": number, "text": f"line {number}"} for number in range(1, 5001)]
BYTES = bytes((number * number >> 7) & 0xFF for number in range(1, 200001))
PAGE = b"<p>nothing is here</p>\n" * 500
FILE = b"a line of a file\n" * 1000


@pytest.fixture
def url(serve, scripts):
    directory = scripts(main=ROUTES)
    (directory / "public").mkdir()
    (directory / "public" / "plain.txt").write_bytes(FILE)
    (directory / "public" / "coded.txt").write_bytes(FILE)
    (directory / "public" / "coded.txt.gz").write_bytes(gzip.compress(FILE))
    return serve(directory, may_log_errors=True).url


def get(*arguments):
    """The status, the headers in lower case, and the body."""
    command = ["curl", "-si", "--max-time", str(PATIENCE), *arguments]
    result = subprocess.run(command, capture_output=True, timeout=2 * PATIENCE)
    assert result.returncode == 0, result.stderr
    head, _, body = result.stdout.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    return int(first.split()[1]), headers, body


ACCEPTS = ["-H", "Accept-Encoding: gzip"]


def test_a_large_answer_comes_in_gzip(url):
    status, headers, body = get(*ACCEPTS, f"{url}/large")
    assert (status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "Accept-Encoding")
    assert int(headers["content-length"]) == len(body)
    plain = gzip.decompress(body)
    assert json.loads(plain) == NUMBERS
    assert len(body) < len(plain) / 4
    assert get(f"{url}/large")[2] == plain


def test_bytes_come_back_as_they_were(url):
    _, headers, body = get(*ACCEPTS, f"{url}/bytes")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == BYTES


def test_curl_takes_it_apart(url):
    status, headers, body = get("--compressed", f"{url}/large")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert json.loads(body) == NUMBERS


def test_head_says_what_get_says(url):
    _, of_get, _ = get(*ACCEPTS, f"{url}/large")
    status, of_head, body = get(*ACCEPTS, "--head", f"{url}/large")
    assert (status, body) == (200, b"")
    assert of_head | {"date": ""} == of_get | {"date": ""}


def test_a_client_that_takes_no_gzip_gets_plain_bytes(url):
    for options in [[], ["-H", "Accept-Encoding: br"], ["-H", "Accept-Encoding: gzip;q=0, *"]]:
        _, headers, body = get(*options, f"{url}/large")
        assert "content-encoding" not in headers and headers["vary"] == "Accept-Encoding"
        assert json.loads(body) == NUMBERS


def test_a_small_answer_stays_plain(url):
    _, headers, body = get(*ACCEPTS, f"{url}/small")
    assert "content-encoding" not in headers and "vary" not in headers
    assert json.loads(body) == {"small": True}


def test_error_pages_are_answers_too(url):
    status, headers, body = get(*ACCEPTS, f"{url}/nowhere")
    assert (status, headers["content-encoding"]) == (404, "gzip")
    assert gzip.decompress(body) == PAGE
    status, headers, body = get(*ACCEPTS, f"{url}/fails")
    assert status == 500 and "content-encoding" not in headers and body.startswith(b"500 ")


def test_a_stream_stays_plain(url):
    _, headers, body = get("-N", *ACCEPTS, f"{url}/events")
    assert headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in headers and "vary" not in headers
    assert b"data: words words" in body


def test_files_come_as_they_lie_there(url):
    _, headers, body = get(*ACCEPTS, f"{url}/plain.txt")
    assert body == FILE
    assert "content-encoding" not in headers and "vary" not in headers
    _, headers, body = get(*ACCEPTS, f"{url}/coded.txt")
    assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(body) == FILE
