"""`serve --metrics`: what /metrics counts, and that `HTTPServer.get_stats()` says the same."""

import re
import socket
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from metrics import PREFIX, serve_observed
from support import PATIENCE, ROOT


@pytest.fixture
def observe(serve, scripts):
    """`observe(main)` serves the script: the server and its metrics."""
    return lambda main, *options, **rest: serve_observed(serve, scripts(main=main), *options, **rest)


SCRIPT = """
HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse { channels = { "all" } }
end)
HTTPServer.register_route("GET", "/closes", function(request, response)
  response:start_sse():close()
end)
HTTPServer.register_route("GET", "/inactive", function(request, response)
  response:start_sse { inactivity_duration = 0.05 }
end)
HTTPServer.register_route("GET", "/lifetime", function(request, response)
  response:start_sse { max_lifetime = 0.05 }
end)
HTTPServer.register_route("GET", "/error", function(request, response)
  response:start_sse()
  error("after start_sse")
end)
HTTPServer.register_route("GET", "/slow/{policy}", function(request, response)
  response:start_sse { max_buffered_bytes = 200000, on_slow = request.path_params.policy }
end)
-- As many events of that many bytes, to every stream.
HTTPServer.register_route("POST", "/broadcast/{count}/{size}", function(request, response)
  local text = ("x"):rep(tonumber(request.path_params.size))
  for _ = 1, tonumber(request.path_params.count) do
    HTTPServer.broadcast("big", text)
    sleep(0)
  end
end)
HTTPServer.register_route("POST", "/publish/{count}", function(request, response)
  for number = 1, tonumber(request.path_params.count) do
    HTTPServer.channel("all"):publish("news", ("%d 🌙\\nline"):format(number))
  end
end)
HTTPServer.register_route("GET", "/answer/{status}", function(request, response)
  response.status_code = tonumber(request.path_params.status)
end)
HTTPServer.register_route("GET", "/nap", function(request, response) sleep(0.3) end)
HTTPServer.register_route("GET", "/raise", function() error("on purpose") end)
HTTPServer.register_route("GET", "/stats", function(request, response) response:set_json(HTTPServer.get_stats()) end)
"""


def post(server, path):
    assert httpx.post(server.url + path, timeout=PATIENCE).status_code == 200


def ask(server, request):
    """One raw request on a connection of its own: the status of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        connection.sendall(request)
        return int(re.match(rb"HTTP/1\.1 (\d+)", connection.recv(65536))[1])


# MARK: the page


def test_the_page_is_what_prometheus_reads(observe):
    _, metrics = observe(SCRIPT)
    page, families = metrics.get(), metrics.families()
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert len(families) > 15
    assert [family.name for family in families if not family.documentation or not family.samples] == []
    assert {family.type for family in families} == {"counter", "gauge", "histogram"}
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page.text, re.M))
    helps = re.findall(r"^# HELP (\S+) \S", page.text, re.M)
    assert len(types) == len(families) and list(types) == helps, "each is told about once, before its values"
    assert [name for name, kind in types.items() if (kind == "counter") != name.endswith("_total")] == []
    assert [name for name in types if not name.startswith((PREFIX, "process_"))] == []


def test_what_operating_md_lists_is_what_the_page_has(observe):
    _, metrics = observe(SCRIPT)
    table = (ROOT / "docs/operating.md").read_text()
    told = set(re.findall(r"`((?:mooncast|process)_[a-z_]+)(?:\{[a-z]+\})?`", table))
    assert set(re.findall(r"^# TYPE (\S+)", metrics.get().text, re.M)) == told


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("HEAD", "/metrics", 200),
        ("POST", "/metrics", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("GET", "/events", 404),
        ("GET", "/..%2Fmetrics", 404),
    ],
)
def test_nothing_else_is_served_there(observe, method, path, status):
    server, metrics = observe(SCRIPT)
    assert httpx.request(method, metrics.url + path).status_code == status
    assert httpx.get(f"{server.url}/metrics").status_code == 404, "nor are the metrics where the scripts are"


def test_who_reads_the_metrics_is_not_counted(observe):
    _, metrics = observe(SCRIPT)
    before = metrics.read()
    for path in ["/metrics", "/healthz", "/readyz", "/nothing"]:
        metrics.get(path)
    after = metrics.read()
    changed = {key for key in before if before[key] != after[key]}
    assert {key for key in changed if not str(key).startswith(("process_", "lua_memory"))} == set()


# MARK: what is counted


@pytest.mark.parametrize(
    "path, leave, reason",
    [
        ("/events", "close", "client"),
        ("/events", "reset", "client"),
        ("/closes", "read_to_end", "server"),
        ("/inactive", "read_to_end", "inactive"),
        ("/lifetime", "read_to_end", "lifetime"),
        ("/error", "read_to_end", "error"),
    ],
)
def test_streams_are_counted_when_they_open_and_by_reason_when_they_close(observe, connect, path, leave, reason):
    server, metrics = observe(SCRIPT, may_log_errors=True)
    staying = [connect(server, "/events") for _ in range(2)]
    leaving = [connect(server, path) for _ in range(3)]
    for client in staying + leaving:
        client.read_until(b"\r\n\r\n")
    metrics.wait_for({"streams_opened_total": 5})
    for client in leaving:
        getattr(client, leave)()
    values = metrics.wait_for({"streams_open": 2, "streams_opened_total": 5, ("streams_closed_total", reason): 3})
    closed = {key: value for key, value in values.items() if key[0] == "streams_closed_total"}
    assert len(closed) == 7 and sum(closed.values()) == 3


@pytest.mark.parametrize("threads", [1, 4])
def test_an_event_is_published_once_and_delivered_to_every_member(observe, connect, threads):
    server, metrics = observe(SCRIPT, "--threads", threads)
    clients = [connect(server, "/events") for _ in range(7)]
    metrics.wait_for({"streams_opened_total": 7})
    for client in clients:
        client.read_until(b"\r\n\r\n:\n")
    post(server, "/publish/30")
    bodies = [client.read_until("data: 30 🌙\ndata: line\n\n".encode()) for client in clients]
    assert [body.count(b"event: news\n") for body in bodies] == [30] * 7
    values = metrics.wait_for({"events_published_total": 30, "events_delivered_total": 210})
    assert (values["events_dropped_total"], values["stream_buffered_bytes"]) == (0, 0)
    assert values["events_coalesced_total"] < 210
    assert values["stream_bytes_total"] == sum(map(len, bodies))


def test_an_event_that_nobody_gets_is_published_and_not_delivered(observe):
    server, metrics = observe(SCRIPT)
    post(server, "/publish/3")
    metrics.wait_for({"events_published_total": 3, "events_delivered_total": 0, "stream_bytes_total": 0})


def test_what_waits_for_a_slow_client_and_what_is_dropped_are_counted(observe, connect):
    server, metrics = observe(SCRIPT)
    client = connect(server, "/slow/drop_oldest", receive_buffer=4096)
    client.read_until(b":\n")
    post(server, "/broadcast/100/50000")
    values = metrics.wait_for({"events_dropped_total": lambda number: number > 0})
    # An event that is half written stays, and so may be over the budget.
    assert 0 < values["stream_buffered_bytes"] <= 200_000 + 51_000
    client.reset()
    metrics.wait_for({"streams_open": 0, ("streams_closed_total", "client"): 1, "stream_buffered_bytes": 0})


def test_each_event_to_a_slow_client_is_either_delivered_or_dropped(observe, connect):
    server, metrics = observe(SCRIPT)
    client = connect(server, "/slow/drop_oldest", receive_buffer=4096)
    client.read_until(b"\r\n\r\n:\n")
    post(server, "/broadcast/100/50000")
    post(server, "/broadcast/1/1")
    body = client.read_until(b"data: x\n\n")
    told = sum(int(number) for number in re.findall(rb"event: dropped\ndata: (\d+)\n\n", body))
    received = body.count(b"event: big\n")
    assert told > 0 and received + told == 101
    metrics.wait_for(
        {
            "events_delivered_total": received,
            "events_dropped_total": told,
            "stream_bytes_total": len(body),
            "stream_buffered_bytes": 0,
        }
    )


def test_a_client_that_is_too_slow_for_its_budget_is_closed_as_slow(observe, connect):
    server, metrics = observe(SCRIPT)
    connect(server, "/slow/disconnect", receive_buffer=4096).read_until(b":\n")
    post(server, "/broadcast/100/50000")
    metrics.wait_for({("streams_closed_total", "slow"): 1, "streams_open": 0, "stream_buffered_bytes": 0})


CRLF = b"\r\n"
RAW_REQUESTS = {
    b"GET /answer/200 HTTP/1.1\r\nHost: a\r\n\r\n": 200,
    b"GET /answer/204 HTTP/1.1\r\nHost: a\r\n\r\n": 204,
    b"HEAD /answer/200 HTTP/1.1\r\nHost: a\r\n\r\n": 200,
    b"GET /answer/302 HTTP/1.1\r\nHost: a\r\n\r\n": 302,
    b"GET /answer/400 HTTP/1.1\r\nHost: a\r\n\r\n": 400,
    b"GET /unknown HTTP/1.1\r\nHost: a\r\n\r\n": 404,
    b"DELETE /events HTTP/1.1\r\nHost: a\r\n\r\n": 405,
    b"GET /events HTTP/1.1\r\n\r\n": 400,
    b"nonsense\r\n\r\n": 400,
    b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 9000): 414,
    b"GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"a" * 20000): 431,
    b"POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n": 413,
    b"GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n": 417,
    b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n": 200,
    b"GET /raise HTTP/1.1\r\nHost: a\r\n\r\n": 500,
    b"GET /answer/503 HTTP/1.1\r\nHost: a\r\n\r\n": 503,
}


@pytest.mark.parametrize(
    "request_, status",
    RAW_REQUESTS.items(),
    ids=[f"{request[:24].split(CRLF)[0].decode()} {status}" for request, status in RAW_REQUESTS.items()],
)
def test_an_answer_is_counted_by_the_class_of_its_status(observe, request_, status):
    server, metrics = observe(SCRIPT, may_log_errors=True)
    assert ask(server, request_) == status
    wanted = {f"{digit}xx": float(digit == status // 100) for digit in range(1, 6)}
    metrics.wait_for({("http_requests_total", code): number for code, number in wanted.items()})


def test_the_histogram_of_durations_counts_every_answer_once(observe):
    server, metrics = observe(SCRIPT, may_log_errors=True)
    with httpx.Client(base_url=server.url) as client:
        for path in ["/answer/200"] * 20 + ["/nap"] * 2 + ["/unknown"] * 5 + ["/raise"] * 3:
            client.get(path)
    values = metrics.wait_for({"http_request_duration_seconds_count": 30})
    assert sum(value for key, value in values.items() if key[0] == "http_requests_total") == 30
    buckets = [(float(key[1]), number) for key, number in values.items() if key[0].endswith("seconds_bucket")]
    bounds, counts = zip(*buckets, strict=True)
    assert list(bounds) == sorted(bounds) and bounds[-1] == float("inf") and len(bounds) > 10
    assert list(counts) == sorted(counts) and counts[-1] == 30
    assert dict(buckets)[0.25] == 28, "but for the naps"
    assert 0.6 <= values["http_request_duration_seconds_sum"] < 5


# MARK: get_stats

SAME = {
    "streams_open": "streams.open",
    "streams_opened_total": "streams.opened",
    "stream_buffered_bytes": "streams.buffered_bytes",
    **{
        ("streams_closed_total", reason): f"streams.closed.{reason}"
        for reason in ["client", "server", "slow", "inactive", "lifetime", "error", "shutdown"]
    },
    "events_published_total": "events.published",
    "events_delivered_total": "events.delivered",
    "events_dropped_total": "events.dropped",
    "events_coalesced_total": "events.coalesced",
    "stream_bytes_total": "events.bytes",
    "http_request_duration_seconds_count": "requests.count",
    **{("http_requests_total", f"{digit}xx"): f"requests.status_{digit}xx" for digit in range(1, 6)},
    "script_errors_total": "scripts.errors",
    **{
        ("script_calls_total", kind): f"scripts.{kind}.calls"
        for kind in ["load", "handler", "signal", "timer", "node", "task"]
    },
}
# The request for the statistics is over when the metrics are read.
OF_STATS_ITSELF = [
    "http_request_duration_seconds_count",
    ("http_requests_total", "2xx"),
    ("script_calls_total", "handler"),
]


def flat(table, path=""):
    """`{"streams.open": 2, …}` of the table that `get_stats` returns."""
    values = {}
    for key, value in table.items():
        values |= flat(value, f"{path}{key}.") if isinstance(value, dict) else {path + key: value}
    return values


def test_get_stats_says_the_same(observe, connect):
    server, metrics = observe(SCRIPT, may_log_errors=True)
    clients = [connect(server, "/events") for _ in range(5)]
    slow = connect(server, "/slow/drop_oldest", receive_buffer=4096)
    for client in [*clients, slow]:
        client.read_until(b"\r\n\r\n:\n")
    post(server, "/publish/10")
    for client in clients:
        client.read_until("data: 10 🌙\ndata: line\n\n".encode())
        client.close()
    for path in ["/closes", "/error"]:
        connect(server, path).read_to_end()
    metrics.wait_for({"streams_open": 1})
    post(server, "/broadcast/100/50000")
    for path in ["/unknown", "/raise", "/answer/302"]:
        httpx.get(server.url + path)

    # Two pages that agree, so that nothing is under way.
    values = metrics.wait_for({"events_dropped_total": lambda number: number > 0})
    metrics.wait_for({key: values[key] for key in SAME})
    stats = flat(httpx.get(f"{server.url}/stats").json())
    assert {name: stats[name] for name in SAME.values()} == {
        # The handler that asks is under way.
        name: values[key] + (name == "scripts.handler.calls") for key, name in SAME.items()
    }
    after = {key: values[key] + (key in OF_STATS_ITSELF) for key in SAME}
    after = metrics.wait_for(after)
    assert 0 < stats["requests.seconds"] <= after["http_request_duration_seconds_sum"]
    assert 0 < stats["scripts.handler.seconds"] <= after["script_seconds_total", "handler"]
    assert set(stats) - set(SAME.values()) - {name.replace(".calls", ".seconds") for name in SAME.values()} == {
        "requests.seconds",
        "scripts.memory",
    }


# MARK: the process


def test_the_process_is_measured(observe, connect):
    server, metrics = observe(SCRIPT)
    proc = Path(f"/proc/{server.process.pid}")
    before = metrics.read()
    limit = re.search(r"^Max open files\s+(\d+)", (proc / "limits").read_text(), re.M)[1]
    assert before["process_max_fds"] == int(limit)
    assert 1 << 20 < before["process_resident_memory_bytes"] < 1 << 30
    with ExitStack() as stack:
        for _ in range(20):
            client = connect(server, "/events")
            stack.callback(client.close)
            client.read_until(b":\n")
        metrics.wait_for({"process_open_fds": before["process_open_fds"] + 20})
    metrics.wait_for({"process_open_fds": before["process_open_fds"]})
