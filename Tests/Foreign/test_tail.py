"""`mooncast tail`: what it reads of a stream, how it shows it, and what ends it."""

import json
import random
import re
import signal
import subprocess
import sys

import pytest

from streams import CHUNKED, GONE, HEAD, HOLD, RETRY, chunk, events
from support import BINARY, PATIENCE, run

# MARK: reading

# The bytes of a stream, and the events in it: type, data, id.
STREAMS = {
    "LF": (b"data: a\n\n", [("message", "a", "")]),
    "CR": (b"data: a\r\r", [("message", "a", "")]),
    "CRLF": (b"data: a\r\n\r\n", [("message", "a", "")]),
    "all three mixed": (
        b"data: a\r\ndata: b\rdata: c\n\r\nevent: x\rdata: d\n\n\r\rdata: e\r\n\n",
        [("message", "a\nb\nc", ""), ("x", "d", ""), ("message", "e", "")],
    ),
    "a BOM": (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", "a", "")]),
    "NUL in an id": (b"id: 1\nid: 2\0\ndata: a\n\n", [("message", "a", "1")]),
    "NUL in data and type": (b"event: t\0\ndata: a\0b\n\n", [("t\0", "a\0b", "")]),
    "an id that stays, and one that forgets": (
        b"id: \xc3\xa9\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
        [("message", "a", "é"), ("message", "b", "é"), ("message", "c", "")],
    ),
    "UTF-8": ("data: aé€😀\u2028\n\n".encode(), [("message", "aé€😀\u2028", "")]),
    "what is not UTF-8": (b"data: \xff\xe2\x82\ndata: \xed\xa0\x80\n\n", [("message", "��\n���", "")]),
    "comments": (b":\n: x\ndata: a\n:y\n\n:\n\n", [("message", "a", "")]),
    "blank lines, no data": (b"\n\n\nevent: x\n\nid: 1\n\ndata: a\n\n", [("message", "a", "1")]),
    "odd fields": (b"data\ndata:b\ndata:  c\nDATA: d\n data: e\nx: y\n\n", [("message", "\nb\n c", "")]),
    "JSON's own characters": (b'data: "\\\x1b\x7f\n\n', [("message", '"\\\x1b\x7f', "")]),
    "a megabyte": (b"data: " + b"x" * (1 << 20) + b"\n\n", [("message", "x" * (1 << 20), "")]),
    "an event that is not finished": (b"data: a\n\ndata: b\n", [("message", "a", "")]),
}


# Byte by byte only what is short.
CUTS = [
    pytest.param(wire, expected, framing, id=f"{name}, {framing}")
    for name, (wire, expected) in STREAMS.items()
    for framing in ["to the end", "of a length", "in chunks", "in bytes"]
    if framing != "in bytes" or len(wire) <= 1000
]


@pytest.mark.parametrize("wire, expected, framing", CUTS)
def test_a_stream_is_read_as_the_standard_says_however_it_is_cut(answers, tail, wire, expected, framing):
    draw = random.Random(wire)
    if framing == "of a length":
        pieces = [HEAD[:-2] + b"Content-Length: %d\r\n\r\n" % len(wire), wire]
    elif framing == "in chunks":
        cuts = [0, *sorted(draw.randint(0, len(wire)) for _ in range(5)), len(wire)]
        parts = [wire[start:end] for start, end in zip(cuts, cuts[1:]) if end > start]
        pieces = [CHUNKED, *(chunk(part, b";a=b") for part in parts), b"0\r\nX-Trailer: y\r\n\r\n"]
    elif framing == "in bytes":
        pieces = [HEAD, *(wire[index : index + 1] for index in range(len(wire)))]
    else:
        pieces = [HEAD + wire]
    server = answers(pieces, GONE)
    reader = tail(server.url, "--json")
    server.next_request()
    reader.log.wait("the stream ended")
    reader.process.kill()
    assert events(reader.rest()) == expected


def test_informational_answers_and_old_versions_do_no_harm(answers, tail):
    old = b"HTTP/1.0 200\r\nCONTENT-TYPE: Text/Event-Stream;charset=x\r\n\r\n"
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    server = answers([early + HEAD + RETRY + b"data: a\n\n"], [old + b"data: b\n\n"], GONE)
    reader = tail(server.url, "--json")
    assert [event[1] for event in events(reader.rest())] == ["a", "b"]
    assert reader.wait() == 0


def test_for_people_an_event_is_a_line_and_its_lines_are_indented(answers, tail):
    wire = b"id: 7\nevent: tick\ndata: a\n\ndata: b\ndata: \x1b[2Jc\n\nid\ndata\n\n"
    lines = tail(answers(HEAD + RETRY + wire, GONE).url).rest()
    assert [re.sub(r"^\d\d:\d\d:\d\d\.\d{3} ", "T ", line) for line in lines] == [
        "T tick (id 7): a\n", "T message (id 7):\n", "    b\n", "    ␛[2Jc\n", "T message:\n",
    ]


def test_raw_is_byte_for_byte(answers):
    wire = bytes(range(256)) + b"\n\n\r\rdata: a\r\n\r\n" + RETRY + b"data: b"
    server = answers([CHUNKED, chunk(wire[:100]), chunk(wire[100:]) + b"0\r\n\r\n"], GONE)
    result = subprocess.run([BINARY, "tail", "--raw", server.url], capture_output=True, timeout=PATIENCE)
    assert (result.returncode, result.stdout) == (0, wire)


@pytest.mark.parametrize("form", ["--json", "--raw", None])
def test_count_stops_after_that_many_events(answers, tail, form):
    server = answers([HEAD, b"data: a\n\ndata: b\n\n", b"data: c\n\ndata: d\n\n", HOLD])
    reader = tail(server.url, "--count", 3, *([form] if form else []))
    assert reader.wait() == 0
    lines = reader.rest()
    if form == "--json":
        assert [event[1] for event in events(lines)] == ["a", "b", "c"]
    elif form == "--raw":
        assert "data: c\n" in lines
    else:
        assert [line[-2] for line in lines] == ["a", "b", "c"]
    assert str(reader.log) == ""


# MARK: the request


def test_the_request_is_an_event_sources(answers, tail):
    server = answers(GONE)
    assert tail(server.url + "/a b?c=d#e", "--last-event-id", "é 7").wait() == 0
    request = server.next_request()
    assert (request.method, request.target, request.version) == ("GET", "/a%20b?c=d", "HTTP/1.1")
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["cache-control"] == "no-store"
    assert request.headers["last-event-id"].encode("latin-1").decode() == "é 7"
    assert {"content-length", "transfer-encoding"}.isdisjoint(request.headers)


def test_the_users_fields_are_sent_and_replace_ours(answers, tail):
    server = answers(GONE)
    fields = ["Authorization: Bearer x", "accept: */*", "X: 1", "X: 2", "Host: other"]
    options = [word for field in fields for word in ("--header", field)]
    assert tail(server.url, *options).wait() == 0
    sent = server.next_request().fields
    assert {("Authorization", "Bearer x"), ("accept", "*/*"), ("X", "1"), ("X", "2"), ("Host", "other")} <= set(sent)
    assert len([name for name, _ in sent if name.lower() in ("host", "accept")]) == 2


# MARK: ends

NO_STREAMS = {
    "404": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", ["404 Not Found", "expected 200"]),
    "500 with a stream": (b"HTTP/1.1 500 \r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n", ["answered 500 "]),
    "206": (b"HTTP/1.1 206 Partial\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n", ["206"]),
    "a page": (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", ["'text/html'", "expected text/event-stream"]),
    "no type": (b"HTTP/1.1 200 OK\r\n\r\ndata: a\n\n", ["content type is missing"]),
    "a similar type": (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\n\r\n", ["'text/event-streams'"]),
    "a compressed stream": (HEAD[:-2] + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b", ["'gzip'"]),
    "a redirect to nowhere": (b"HTTP/1.1 302 Found\r\n\r\n", ["302 without a Location"]),
    "a redirect to what is no web": (b"HTTP/1.1 302 Found\r\nLocation: ftp://x/\r\n\r\n", ["'ftp://x/'", "not ftp:"]),
}


@pytest.mark.parametrize("answer, named", NO_STREAMS.values(), ids=NO_STREAMS.keys())
def test_what_is_no_stream_ends_it_with_one_clear_line(answers, answer, named):
    server = answers([answer, HOLD])
    result = run("tail", server.url + "/x")
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith(f"mooncast: {server.url}/x: ")
    assert [text for text in named if text not in line] == []


def test_204_ends_it_with_nothing_to_say(answers):
    result = run("tail", answers(GONE).url)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("beginning", [b"data: ", b"x", b": "], ids=["data", "a field", "a comment"])
def test_a_line_without_end_is_an_error_and_takes_no_more_memory(answers, beginning):
    server = answers([HEAD + b"data: a\n\n" + beginning, *[b"x" * (1 << 20)] * 64, HOLD])
    check_endless(server, "a")


def test_so_is_an_event_without_end(answers):
    line = b"data: " + b"x" * 1000 + b"\n"
    server = answers([HEAD, *[line * 1000] * 64, HOLD])
    check_endless(server)


# Runs a command from a small process: the peak of a large one counts as that of the children that it starts.
MEASURING = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def check_endless(server, *data):
    command = [sys.executable, "-c", MEASURING, BINARY, "tail", server.url, "--json"]
    result = subprocess.run([str(word) for word in command], capture_output=True, timeout=6 * PATIENCE)
    assert result.returncode == 1
    *errors, kilobytes = result.stderr.decode().splitlines()
    assert errors == [f"mooncast: {server.url}/: an event or a line is longer than 16 MiB"]
    assert [json.loads(line)["data"] for line in result.stdout.splitlines()] == list(data)
    assert int(kilobytes) < 200 << 10


def test_ctrl_c_ends_it_as_it_ends_any_command(answers, tail):
    reader = tail(answers([HEAD, b"data: a\n\n", HOLD]).url, "--json")
    reader.event()
    assert reader.interrupt() == -signal.SIGINT, "a shell shows 130"
    assert str(reader.log) == ""


def test_it_ends_when_nobody_reads(answers):
    server = answers([HEAD, *[b"data: " + b"x" * 1000 + b"\n\n"] * 10_000, HOLD])
    command = f"'{BINARY}' tail {server.url} --json | head -n 1; echo ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE)
    assert result.stdout.splitlines()[1:] == ["0"]
    assert result.stderr == ""
