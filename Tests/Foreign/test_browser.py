"""What a browser's own EventSource does: headless Chromium."""

import json
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from support import EXAMPLES, PATIENCE, lua_string
from test_python_clients import PAYLOADS, normalised


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ["headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=900,643", "hide-scrollbars"]:
        options.add_argument(f"--{argument}")
    options.accept_insecure_certs = True  # such as the tests make
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def text(browser, name):
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", name)


def wait(browser, condition, what):
    WebDriverWait(browser, PATIENCE, poll_frequency=0.05).until(lambda _: condition(), what)


def test_a_page_shows_ticks_and_reconnects_by_itself_after_a_restart(serve, browser, tmp_path):
    server = serve(EXAMPLES / "hello")
    browser.get(server.url)
    wait(browser, lambda: int(text(browser, "ticks")) >= 3, "three ticks")
    assert text(browser, "state") == "connected"
    browser.save_screenshot(str(tmp_path / "hello.png"))

    server.stop()
    wait(browser, lambda: text(browser, "state") == "reconnecting", "the page notices that the server is gone")
    shown = int(text(browser, "ticks"))

    serve(EXAMPLES / "hello", port=server.port)
    wait(browser, lambda: text(browser, "state") == "connected", "the page connects again")
    wait(browser, lambda: int(text(browser, "ticks")) > shown, "ticks after the restart")


# A page that keeps all events of /events, and how often it connected.
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>events</title>
<script>
  const events = []
  let opened = 0
  const source = new EventSource("/events")
  const keep = event => events.push({type: event.type, data: event.data, id: event.lastEventId})
  source.onopen = () => ++opened
  for (const type of ["message", "kind", "end"]) source.addEventListener(type, keep)
</script>
"""


def open_page(serve, scripts, browser, **files):
    directory = scripts(**files)
    (directory / "public").mkdir()
    (directory / "public" / "index.html").write_text(PAGE)
    server = serve(directory)
    browser.get(server.url)
    return server


def events(browser, count):
    wait(browser, lambda: browser.execute_script("return events.length") >= count, f"{count} events")
    return json.loads(browser.execute_script("return JSON.stringify(events)"))


def test_a_browser_sees_what_the_script_sent(serve, scripts, browser):
    """All payloads on one stream, each with its name as the id."""
    names = [f"{name} 🌙" for name in PAYLOADS]
    payloads = [
        f"{{{lua_string(name)}, {lua_string(payload)}}}" for name, payload in zip(names, PAYLOADS.values(), strict=True)
    ]
    main = """
    HTTPServer.register_route("GET", "/events", function(request, response)
      local connection = response:start_sse { max_buffered_bytes = 16 << 20 }
      for _, payload in ipairs(payloads) do
        connection:comment("next")
        connection:send(payload[1], "kind", payload[2])
        sleep(0)
      end
      connection:send("after")
    end)
    """
    open_page(serve, scripts, browser, data=f"payloads = {{{', '.join(payloads)}}}", main=main)
    *seen, after = events(browser, len(names) + 1)
    assert [event["id"] for event in seen] == names
    assert [event["type"] for event in seen] == ["kind"] * len(names)
    wanted = dict(zip(names, map(normalised, PAYLOADS.values()), strict=True))
    wrong = [event["id"] for event in seen if event["data"] != wanted[event["id"]]]
    assert wrong == []
    assert after == {"type": "message", "data": "after", "id": names[-1]}


def test_a_browser_comes_back_with_the_last_event_id_after_the_time_it_was_told(serve, scripts, browser):
    main = """
    local count = 0
    HTTPServer.register_route("GET", "/events", function(request, response)
      local connection = response:start_sse{retry = 50}
      count = count + 1
      connection:send("id " .. count, "kind", "after '" .. connection.last_event_id .. "'")
      if count < 3 then connection:close() end
    end)
    """
    open_page(serve, scripts, browser, main=main)
    assert [event["data"] for event in events(browser, 3)] == ["after ''", "after 'id 1'", "after 'id 2'"]


def test_a_browser_stays_away_after_finish(serve, scripts, browser):
    main = """
    HTTPServer.register_route("GET", "/events", function(request, response)
      response:start_sse{retry = 50}:finish("that was all")
    end)
    """
    open_page(serve, scripts, browser, main=main)
    wait(browser, lambda: browser.execute_script("return source.readyState") == 2, "the source is closed for good")
    assert [(event["type"], event["data"]) for event in events(browser, 1)] == [("end", "that was all")]
    assert browser.execute_script("return opened") == 1


def test_the_dev_page_shows_the_error_in_a_browser(serve, scripts, browser):
    main = 'HTTPServer.register_route("GET", "/", function()\n  error("<b>oh</b>")\nend)\n'
    server = serve(scripts(main=main), "--dev", may_log_errors=True)
    browser.get(server.url)
    shown = browser.execute_script("return document.body.innerText")
    assert "main.lua:2: <b>oh</b>" in shown
    assert 'error("<b>oh</b>")' in shown
