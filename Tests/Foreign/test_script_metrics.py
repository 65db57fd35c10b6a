"""`serve --metrics`: what is counted of the scripts."""

import httpx
import pytest

from metrics import serve_observed


@pytest.fixture
def observe(serve, scripts):
    """`observe(main)` serves the script: the server and its metrics."""
    return lambda main, *options, **rest: serve_observed(serve, scripts(main=main), *options, **rest)


# What a request for /go makes happen, and what of it is counted, by kind.
CALLS = {
    "handler": ("", 1),
    "handler that waits": ("sleep(0.01) sleep(0.01)", 1),
    "task": ("for _ = 1, 3 do spawn(function() sleep(0.01) end) end", 3),
    "timer": ("for _ = 1, 3 do Engine.create_timer(0.01).timeout:connect(function() end) end", 3),
    "timer that repeats": (
        """
        local timer, count = Timer.new { wait_time = 0.01 }, 0
        timer.timeout:connect(function() count = count + 1 if count == 4 then timer:stop() end end)
        timer:start()
        """,
        4,
    ),
    "signal": ("HTTPServer.request_completed:connect(function() end, CONNECT_ONE_SHOT)", 1),
}


@pytest.mark.parametrize("kind, code, count", [(name.split()[0], *rest) for name, rest in CALLS.items()], ids=CALLS)
def test_entrances_into_scripts_are_counted_by_kind(observe, kind, code, count):
    server, metrics = observe(f"HTTPServer.register_route('GET', '/go', function() {code} end)")
    httpx.get(f"{server.url}/go")
    values = metrics.wait_for({("script_calls_total", kind): lambda number: number >= count})
    wanted = {"load": 1.0, "handler": 1.0, kind: float(count)}
    calls = {key[1]: number for key, number in values.items() if key[0] == "script_calls_total"}
    assert {kind: number for kind, number in calls.items() if number} == wanted


def test_loads_and_ticks_are_counted(serve, scripts):
    directory = scripts(a="return { _ready = function() end }", b="return { _process = function() end }")
    _, metrics = serve_observed(serve, directory)
    values = metrics.wait_for({("script_calls_total", "node"): lambda number: number > 2})
    assert values["script_calls_total", "load"] == 3


def test_the_time_in_scripts_leaves_out_their_waits(observe):
    main = """
    HTTPServer.register_route("GET", "/nap", function() sleep(0.3) end)
    HTTPServer.register_route("GET", "/work", function()
      local start = os.clock()
      while os.clock() < start + 0.2 do end
    end)
    """
    server, metrics = observe(main)
    seconds = ("script_seconds_total", "handler")
    for path, least, most in [("/nap", 0, 0.1), ("/work", 0.19, 1)]:
        before = metrics.read()[seconds]
        httpx.get(server.url + path)
        metrics.wait_for({seconds: lambda number: least < number - before < most})


ERRORS = {
    "handler": "HTTPServer.register_route('GET', '/', function() error('oh') end)",
    "task": "HTTPServer.register_route('GET', '/', function() spawn(function() error('oh') end) end)",
    "timer": "Engine.create_timer(0.01).timeout:connect(function() error('oh') end)",
    "signal": "HTTPServer.server_started:connect(function() error('oh') end)",
    "tick": "local n = 0 return { _process = function() n = n + 1 if n == 1 then error('oh') end end }",
    "after a wait": "HTTPServer.register_route('GET', '/', function() sleep(0.01) error('oh') end)",
    "time budget": "HTTPServer.register_route('GET', '/', function() while true do end end)",
}


@pytest.mark.parametrize("main", ERRORS.values(), ids=ERRORS)
def test_an_error_of_a_script_is_counted_once(observe, main):
    server, metrics = observe(main, may_log_errors=True)
    httpx.get(server.url)
    metrics.wait_for({"script_errors_total": lambda number: number > 0})
    assert metrics.read()["script_errors_total"] == 1


def test_the_memory_of_lua_values_is_measured(observe):
    _, metrics = observe("kept = ('x'):rep(16 << 20)")
    assert 16 << 20 < metrics.read()["lua_memory_bytes"] < 17 << 20
