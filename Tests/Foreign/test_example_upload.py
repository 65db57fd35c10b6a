"""The example with a form of files: what is taken and refused, hostile names, progress, and the page."""

import json
import zlib
from contextlib import contextmanager
from urllib.parse import unquote

import httpx
import httpx_sse
import pytest

from pages import faults_of
from support import EXAMPLES, PATIENCE
from test_browser import browser, text, wait

LIMIT = 4 * 2**20
LARGE = bytes(range(256)) * (15 * 2**10)  # 3.75 MiB, in 60 slices
HOSTILE = {
    "HTML": "<img src=x onerror=\"document.title='taken'\">.txt",
    "a path": "../../etc/passwd",
    "a path of Windows": "..\\..\\boot.ini",
    "quotes": "\"'`;.txt",
    "percent": "%2e%2e%2f%00.txt",
    "text turned around": "cod.\u202egpj.exe",
    "not ASCII": "Zoë 🌙 二.txt",
    "dots": "....",
    "255 bytes": "x" * 255,
}


@pytest.fixture
def server(serve):
    return serve(EXAMPLES / "upload")


@contextmanager
def stream(server):
    """The events of a page's stream after its first three, and the page's uuid, the limits and the files."""
    with (
        httpx.Client(timeout=PATIENCE) as client,
        httpx_sse.connect_sse(client, "GET", f"{server.url}/events") as source,
    ):
        events = source.iter_sse()
        first = {event.event: json.loads(event.data) for event in (next(events) for _ in range(3))}
        yield events, first["welcome"]["uuid"], first["limits"], first["files"]


def upload(server, *files, page=""):
    """Posts files: (name, bytes)."""
    parts = [("file", (name, data, "text/plain")) for name, data in files]
    return httpx.post(f"{server.url}/files", data={"page": page}, files=parts, timeout=PATIENCE)


def listed(server):
    with stream(server) as (_, _, _, files):
        return files


def raw(server, filename):
    """Posts a form whose file has exactly these bytes for a name."""
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + filename + b'"\r\n\r\nx\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    return httpx.post(f"{server.url}/files", content=body, headers=headers, timeout=PATIENCE)


def test_a_file_is_listed_and_comes_back_byte_for_byte(server):
    text_file = b"one\ntwo\n"
    assert upload(server, ("notes.txt", text_file), ("large.bin", LARGE), ("empty", b"")).status_code == 201
    empty, large, notes = listed(server)
    assert notes == {"id": 1, "name": "notes.txt", "bytes": 8, "lines": 2, "crc32": f"{zlib.crc32(text_file):08x}"}
    assert large["lines"] == LARGE.count(b"\n") and large["crc32"] == f"{zlib.crc32(LARGE):08x}"
    assert (empty["bytes"], empty["lines"], empty["crc32"]) == (0, 0, "00000000")
    answer = httpx.get(f"{server.url}/files/{large['id']}")
    assert answer.content == LARGE
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''large.bin"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_that_uploads_hears_how_far_it_is_and_every_page_of_the_files(server):
    with stream(server) as (own, uuid, limits, files), stream(server) as (other, _, _, _):
        assert limits == {"bytes": LIMIT, "files": 8} and files == []
        assert upload(server, ("a", LARGE), ("b", b"b"), page=uuid).status_code == 201
        heard = []
        for event in own:
            if event.event == "files":
                break
            heard.append((event.event, json.loads(event.data)))
        assert {kind for kind, _ in heard} == {"progress"}
        assert [data["done"] for _, data in heard] == [*range(65536, len(LARGE) + 1, 65536), len(LARGE) + 1]
        assert {data["bytes"] for _, data in heard} == {len(LARGE) + 1}
        assert [data["name"] for _, data in heard[-2:]] == ["a", "b"]
        assert next(other).event == "files"


REFUSED = {
    "no form": (dict(content=b"x"), 400, "form: "),
    "no file": (dict(data={"page": ""}), 400, "choose a file"),
    "a text for a file": (dict(data={"file": "text"}), 400, "file must be a file"),
    "too many": (dict(files=[("file", (f"{number}", b"")) for number in range(9)]), 400, "at most 8"),
    "a name too long": (dict(files={"file": ("x" * 256, b"")}), 400, "255 bytes"),
    "too large": (dict(files={"file": ("a", bytes(LIMIT))}), 413, ""),
    "one bad among good ones": (dict(files=[("file", ("a", b"")), ("file", ("x" * 256, b""))]), 400, "255 bytes"),
}


@pytest.mark.parametrize("request_, status, said", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_upload_is_refused_and_says_why(server, request_, status, said):
    answer = httpx.post(f"{server.url}/files", timeout=PATIENCE, **request_)
    assert answer.status_code == status
    assert said in (answer.json()["error"] if status == 400 else answer.text)
    assert listed(server) == []


def test_no_name_and_what_is_not_utf8_and_forms_that_are_cut_are_refused(server):
    assert raw(server, b"").json() == {"error": "choose a file"}
    assert "UTF-8" in raw(server, b"\xff\xfe").json()["error"]
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert "form: " in httpx.post(f"{server.url}/files", content=b"--b\r\n", headers=headers).json()["error"]
    assert listed(server) == []


def test_only_the_newest_files_are_kept(server):
    for number in range(10):
        assert upload(server, (f"{number}", b"")).status_code == 201
    assert [file["name"] for file in listed(server)] == [f"{number}" for number in range(9, 1, -1)]
    assert [httpx.get(f"{server.url}/files/{number}").status_code for number in (2, 3, 10, 11)] == [404, 200, 200, 404]
    assert [httpx.get(f"{server.url}/files/{name}").status_code for name in ("x", "3.0", "..%2f3")] == [404] * 3


def test_a_hostile_name_stays_a_name(server):
    # RFC 7578's clients send these bytes as they are, but for quotes and line ends, which come percent-encoded.
    for number, name in enumerate(HOSTILE.values(), 1):
        assert upload(server, (name, b"content")).status_code == 201
        answer = httpx.get(f"{server.url}/files/{number}")
        assert answer.content == b"content"
        [file] = [file for file in listed(server) if file["id"] == number]
        label, encoded = answer.headers["content-disposition"].split("''")
        assert label == "attachment; filename*=UTF-8" and unquote(encoded) == file["name"]
        assert encoded.isascii() and not set(encoded) & set("\"'\\/; ")
        assert "/" not in file["name"]


# MARK: the page


@pytest.fixture
def page(server, browser):
    browser.get(server.url)
    wait(browser, lambda: browser.execute_script("return limits") is not None, "the limits")
    return server


def choose(browser, *paths):
    browser.find_element("id", "file").send_keys("\n".join(map(str, paths)))
    browser.find_element("id", "send").click()


def says(browser, words):
    wait(browser, lambda: words in text(browser, "says"), f"{words!r}, but it says {text(browser, 'says')!r}")


def test_the_page_uploads_files_and_shows_how_far_it_is(page, browser, tmp_path):
    (tmp_path / "large.bin").write_bytes(LARGE)
    (tmp_path / "notes.txt").write_text("one\n")
    browser.execute_script("""
        said = []
        new MutationObserver(() => said.push([at("says").textContent, at("progress").value]))
          .observe(at("says"), { childList: true })
    """)
    assert "At most 4.0 MiB at once" in text(browser, "limits")
    choose(browser, tmp_path / "large.bin", tmp_path / "notes.txt")
    says(browser, "Done.")
    said = browser.execute_script("return said")
    assert [words for words, _ in said if words.startswith("Sending")]
    shares = [share for words, share in said if words.startswith("The server reads large.bin")]
    assert shares == sorted(shares) and 0 < shares[0] < 1
    assert browser.execute_script("return at('progress').value") == 1

    wait(browser, lambda: "notes.txt" in text(browser, "files"), "the list")
    assert f"3.8 MiB · {LARGE.count(10)} lines · CRC-32 {zlib.crc32(LARGE):08x}" in text(browser, "files")
    assert "4 bytes · 1 line · " in text(browser, "files")
    assert faults_of(browser) == []


def test_hostile_names_are_shown_as_text(page, browser):
    title = browser.execute_script("return document.title")
    for name in list(HOSTILE.values())[-8:]:
        upload(page, (name, b""))
    upload(page, (HOSTILE["HTML"], b""))
    wait(browser, lambda: "<img src=x" in text(browser, "files"), "the name")
    assert browser.find_elements("css selector", "#files img") == []
    assert "cod.\ufffdgpj.exe" in text(browser, "files")
    assert browser.execute_script("return document.title") == title
    assert faults_of(browser) == []


def test_the_page_says_why_nothing_was_uploaded(page, browser, tmp_path, serve):
    (tmp_path / "too-large").write_bytes(bytes(LIMIT + 1))
    (tmp_path / "just-too-large").write_bytes(bytes(LIMIT - 1))  # with the rest of the form
    (tmp_path / "small").write_bytes(b"")
    choose(browser, tmp_path / "too-large")
    says(browser, "Too large: 4.0 MiB, and at most 4.0 MiB pass.")
    browser.execute_script("at('form').reset()")
    choose(browser, tmp_path / "just-too-large")
    says(browser, "Too large: at most 4.0 MiB pass, with what the form adds.")
    assert faults_of(browser) == []
    assert listed(page) == []

    page.process.kill()
    page.process.wait()
    wait(browser, lambda: text(browser, "state") == "reconnecting", "the page notices that the server is gone")
    browser.execute_script("at('form').reset()")
    choose(browser, tmp_path / "small")
    says(browser, "Not uploaded: the connection was lost.")
    before = browser.execute_script("return at('page').value")
    serve(EXAMPLES / "upload", port=page.port)
    wait(browser, lambda: browser.execute_script("return at('page').value") != before, "a stream with another uuid")
    browser.find_element("id", "send").click()
    says(browser, "Done.")
