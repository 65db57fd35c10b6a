"""What curl makes of files: parts, resumed downloads, conditions, codings."""

import gzip
import os
import re
import subprocess

import pytest

from support import PATIENCE

DIGITS = b"0123456789"
LARGE = bytes(index % 251 for index in range(3_000_000))
SCRIPT = """
HTTPServer.enable_directory_listing(true)
HTTPServer.register_route("GET", "/script", function(request, response)
  response:set_header("X-From", "script"):set_file("public/large.bin")
end)
"""


def brotli(data):
    """A Brotli stream that holds the data as it is (RFC 7932, 9.2: one uncompressed meta-block, and an empty last one)."""
    bits = (len(data) - 1) << 4 | 1 << 20  # a window of 16 bits, not last, four nibbles of length; uncompressed
    return bits.to_bytes(3, "little") + data + b"\x03"


@pytest.fixture
def url(serve, scripts):
    directory = scripts(main=SCRIPT)
    public = directory / "public"
    (public / "sub").mkdir(parents=True)
    (public / "digits.txt").write_bytes(DIGITS)
    (public / "large.bin").write_bytes(LARGE)
    (public / "empty.txt").write_bytes(b"")
    (public / "sub" / "a <b>.txt").write_bytes(b"odd")
    (public / "page.html").write_bytes(b"plain page")
    (public / "page.html.gz").write_bytes(gzip.compress(b"gzip page"))
    (public / "page.html.br").write_bytes(brotli(b"brotli page"))
    for name in ("digits.txt", "large.bin"):
        os.utime(public / name, (784111777, 784111777))
    return serve(directory).url


def curl(*arguments):
    command = ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=2 * PATIENCE)


def get(*arguments):
    """The status, and the body."""
    result = curl("--write-out", "%{stderr}%{http_code}", *arguments)
    assert result.returncode == 0, result.stderr
    return int(result.stderr), result.stdout


@pytest.mark.parametrize("path", ["/large.bin", "/script"])
@pytest.mark.parametrize(
    "text, part",
    [
        ("0-0", LARGE[:1]),
        ("100-299999", LARGE[100:300000]),
        ("2999000-", LARGE[2999000:]),
        ("-1000", LARGE[-1000:]),
        ("0-99999999", LARGE),
    ],
)
def test_a_part_is_what_was_asked_for(url, path, text, part):
    assert get("-r", text, url + path) == (206, part)


def test_a_part_behind_the_end_is_refused_with_the_length(url):
    result = curl("-i", "-r", "10-", f"{url}/digits.txt")
    assert result.stdout.startswith(b"HTTP/1.1 416 ")
    assert b"\r\nContent-Range: bytes */10\r\n" in result.stdout


def test_several_parts_come_as_multipart(url):
    result = curl("-i", "-r", "0-1,-1", f"{url}/digits.txt")
    head, _, body = result.stdout.partition(b"\r\n\r\n")
    boundary = re.search(rb"Content-Type: multipart/byteranges; boundary=(\w+)", head)[1]
    parts = body.split(b"--" + boundary)
    assert (parts[0], parts[-1]) == (b"", b"--\r\n")
    places = []
    for part in parts[1:-1]:
        fields, _, text = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        places.append((re.search(rb"Content-Range: (.*)", fields)[1].strip(), text.removesuffix(b"\r\n")))
    assert places == [(b"bytes 0-1/10", b"01"), (b"bytes 9-9/10", b"9")]


@pytest.mark.parametrize("path", ["/large.bin", "/script"])
@pytest.mark.parametrize("have", [1, 1_000_000, len(LARGE) - 1])
def test_a_download_is_resumed_where_it_broke_off(url, tmp_path, path, have):
    target = tmp_path / "download"
    target.write_bytes(LARGE[:have])
    result = curl("-v", "-C", "-", "-o", target, url + path)
    assert result.returncode == 0, result.stderr
    assert b"< HTTP/1.1 206 " in result.stderr
    assert target.read_bytes() == LARGE


def test_a_download_that_is_complete_is_not_fetched_again(url, tmp_path):
    target = tmp_path / "download"
    target.write_bytes(LARGE)
    result = curl("-v", "-C", "-", "-o", target, f"{url}/large.bin")
    assert b"< HTTP/1.1 416 " in result.stderr
    assert target.read_bytes() == LARGE


@pytest.mark.parametrize("path", ["/digits.txt", "/script", "/page.html"])
def test_etag_compare_fetches_only_what_changed(url, tmp_path, path):
    tag = tmp_path / "tag"
    status, body = get("--etag-save", tag, url + path)
    assert status == 200 and body
    assert re.fullmatch(rb'"[!#-~]+"\s*', tag.read_bytes())
    assert get("--etag-compare", tag, url + path) == (304, b"")
    tag.write_bytes(b'"another"')
    assert get("--etag-compare", tag, url + path) == (200, body)


@pytest.mark.parametrize("path", ["/digits.txt", "/script"])
@pytest.mark.parametrize(
    "date, status",
    [
        ("Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 304),
        ("Sun, 06 Nov 1994 08:49:38 GMT", 304),
    ],
)
def test_a_time_condition_fetches_only_what_is_newer(url, path, date, status):
    assert get("-z", date, url + path)[0] == status
    # The other way round, by hand, because curl's own look at the date would hide the answer.
    assert get("-H", f"If-Unmodified-Since: {date}", url + path)[0] == (412 if status == 200 else 200)


def test_compressed_takes_the_coding_that_lies_beside_the_file(url):
    assert get(f"{url}/page.html") == (200, b"plain page")
    assert get("--compressed", "-H", "Accept-Encoding: gzip", f"{url}/page.html") == (200, b"gzip page")
    brotli_is_known = b" brotli" in subprocess.run(["curl", "--version"], capture_output=True).stdout
    best = b"brotli page" if brotli_is_known else b"gzip page"
    assert get("--compressed", f"{url}/page.html") == (200, best)
    assert get("--compressed", "-r", "0-4", f"{url}/page.html") == (206, b"plain")


def test_head_says_what_get_says(url):
    for path in ("/digits.txt", "/large.bin", "/empty.txt", "/page.html", "/script", "/sub/", "/sub"):
        heads = []
        for option in (["--head"], ["--dump-header", "-", "--output", os.devnull]):
            lines = curl(*option, url + path).stdout.splitlines()
            heads.append([line for line in lines if not line.startswith(b"Date:")])
        assert heads[0] == heads[1], path


def test_a_listing_leads_to_its_files(url):
    status, page = get("-L", f"{url}/sub")
    assert status == 200
    assert b"<b>" not in page
    [link] = re.findall(rb'href="(\./[^"]*)"', page)
    assert get(f"{url}/sub/{link.decode().removeprefix('./')}") == (200, b"odd")


@pytest.mark.parametrize(
    "path",
    ["/../main.lua", "/%2e%2e/main.lua", "/..%2fmain.lua", "/%252e%252e/main.lua", "/..%5cmain.lua", "//main.lua"],
)
def test_no_path_leads_to_the_scripts(url, path):
    status, body = get("--path-as-is", url + path)
    assert status in (400, 404)
    assert b"register_route" not in body
