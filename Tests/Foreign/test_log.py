"""What the server logs, and what it shows of a script's error."""

import json
import re

import httpx
import pytest

from support import BINARY, lua_string

ODD_MESSAGES = {
    "quotes": b'say "yes"',
    "backslashes": b"C:\\temp\\n",
    "lines": b"one\ntwo\r\nthree",
    "control characters": bytes(range(1, 32)) + b"\x7f",
    "NUL": b"a\0b",
    "beyond ASCII": "naïve 🌙 \u2028 \x85".encode(),
    "invalid UTF-8": b"a\xff\xc3(",
    "a log line": b'{"time":"x","level":"info","message":"forged"}',
}


@pytest.mark.parametrize("message", ODD_MESSAGES.values(), ids=ODD_MESSAGES)
def test_json_log_lines_are_valid_and_hold_time_level_and_message(serve, scripts, message):
    main = f"""
    local text = {lua_string(message)}
    print(text)
    Log.warn(text, {{[text] = text, number = 1.5}})
    HTTPServer.register_route("GET", "/", function() error(text) end)
    """
    server = serve(scripts(main=main), may_log_errors=True)
    assert httpx.get(server.url).status_code == 500
    server.stop()
    records = [json.loads(line) for line in server.log.lines]
    assert len(records) >= 4
    for record in records:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
        assert record["level"] in ("info", "warning", "error")
        assert isinstance(record["message"], str)
    shown = message.decode("utf-8", "replace")
    assert [record["message"] for record in records[:2]] == [shown, shown]
    assert (records[1]["level"], records[1][shown], records[1]["number"]) == ("warning", shown, "1.5")
    [failure] = [record for record in records if record["level"] == "error"]
    assert shown in failure["message"] and "main.lua:5" in failure["traceback"]


@pytest.mark.parametrize("name", ["time", "level", "message"])
def test_a_field_of_a_script_does_not_take_the_place_of_the_logs_own(serve, scripts, name):
    server = serve(scripts(main=f"Log.warn('careful', {{{name} = 'own'}})"))
    record = json.loads(server.log.lines[0], object_pairs_hook=list)
    assert [key for key, _ in record].count(name) == 1
    assert dict(record)[name] != "own"
    assert "own" in dict(record).values(), "nothing that was logged is lost"


def test_text_log_lines_begin_with_time_and_level(launch, scripts):
    main = """print("hello")
    Log.warn("careful", {user = "ann", n = 2})
    HTTPServer.register_route("GET", "/", function() error("oh") end)
    """
    server = launch([BINARY, "serve", scripts(main=main), "--port", 0], may_log_errors=True)
    url = re.search(r"listening url=(\S+)", server.log.wait("listening")["message"])[1]
    assert httpx.get(url).status_code == 500
    server.stop()
    lines = [line for line in server.log.lines if not line.startswith("    ")]
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} [A-Z]+ ", line) for line in lines), "only tracebacks are indented"
    said = [line.split(" ", 1)[1] for line in lines]
    assert said[:2] == ["INFO hello", "WARNING careful n=2 user=ann"]
    assert any(line.startswith("ERROR main.lua:3: oh ") for line in said)


# MARK: errors in the browser

FAULTY = """local function divide(a, b)
  return a // b
end
HTTPServer.register_route("GET", "/fails", function(request, response)
  response.body = "<b>" .. divide(1, 0) .. "</b>"
end)
HTTPServer.server_error:connect(function(message) print("told: " .. message) end)
"""


def test_dev_shows_a_scripts_error_with_file_line_and_source_line(serve, scripts):
    server = serve(scripts(main=FAULTY), "--dev", may_log_errors=True)
    page = httpx.get(f"{server.url}/fails")
    assert page.status_code == 500
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    assert "main.lua:2:" in page.text
    assert "return a // b" in page.text
    assert "main.lua:5" in page.text, "the traceback names the caller"
    server.log.wait("^told: main.lua:2: ")


def test_without_dev_an_error_shows_nothing_of_the_script(serve, scripts):
    server = serve(scripts(main=FAULTY), may_log_errors=True)
    page = httpx.get(f"{server.url}/fails")
    assert page.status_code == 500
    assert "main.lua" not in page.text and "divide" not in page.text
    record = server.log.wait("^main.lua:2: ")
    assert record["level"] == "error" and "main.lua:5" in record["traceback"]
    server.log.wait("^told: main.lua:2: ")


def test_the_dev_page_escapes_what_it_shows(serve, scripts):
    main = """
    HTTPServer.register_route("GET", "/", function(request)
      error("<script>alert(1)</script>" .. request:get_query_param("q"))
    end)
    """
    server = serve(scripts(main=main), "--dev", may_log_errors=True)
    page = httpx.get(server.url, params={"q": "<img src=x onerror=alert(2)>&\"'"})
    assert "<script>" not in page.text and "<img" not in page.text
    assert "&lt;img src=x onerror=alert(2)&gt;&amp;" in page.text
