"""Pages of one origin that ask a server of another: what headless Chromium lets them read."""

import json

import pytest

from test_browser import browser, wait

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>a page of another origin</title>
<script>
  const heard = []
  const listen = (url, options) => {
    const source = new EventSource(url, options)
    source.onmessage = event => heard.push([event.data, event.lastEventId])
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) heard.push(["closed"]) }
  }
  const ask = async (url, options) => {
    try {
      const answer = await fetch(url, options)
      return {status: answer.status, text: await answer.text(), session: answer.headers.get("mcp-session-id")}
    } catch (error) {
      return {error: error.name}
    }
  }
</script>
"""

ROUTES = """
HTTPServer.register_route("GET", "/hello", function(request, response)
  response:set_header("MCP-Session-Id", "seven"):set_header("Set-Cookie", "moon=full")
  response.body = request.headers.cookie or "no cookie"
end)
HTTPServer.register_route("PUT", "/hello", function(request, response)
  response.body = request:get_header("Authorization") .. " " .. request.last_event_id .. " " .. request.body
end)
local count = 0
HTTPServer.register_route("GET", "/events", function(request, response)
  local connection = response:start_sse { retry = 20 }
  connection:send("id " .. count, "message", request.last_event_id .. " " .. (request.headers.cookie or "no cookie"))
  count = count + 1
  if count == 1 then connection:close() end
end)
"""


@pytest.fixture
def page(serve, scripts, browser):
    """A page that is open in the browser. `page.origin` and `page.elsewhere` are two origins that have it."""
    directory = scripts(main="")
    (directory / "public").mkdir()
    (directory / "public" / "index.html").write_text(PAGE)
    server = serve(directory)

    class Page:
        origin = f"http://127.0.0.1:{server.port}"
        elsewhere = f"http://localhost:{server.port}"

        def open(self, origin):
            browser.get(origin)
            browser.delete_all_cookies()
            return self

        def ask(self, url, **options):
            return browser.execute_async_script(
                "const [url, options, done] = arguments; ask(url, options).then(done)", url, options
            )

        def listen(self, url, **options):
            browser.execute_script("listen(...arguments)", url, options)

        def heard(self, count):
            read = "return JSON.stringify(heard)"
            wait(browser, lambda: len(json.loads(browser.execute_script(read))) >= count, f"{count} events")
            return json.loads(browser.execute_script(read))

    return Page().open(Page.origin)


UPDATE = {"method": "PUT", "body": "new", "headers": {"Authorization": "Bearer x", "Last-Event-ID": "7", "X-Own": "1"}}


def test_any_page_may_ask_and_listen_without_cookies(page, serve, scripts):
    api = serve(scripts(main=ROUTES)).url
    assert page.ask(f"{api}/hello") == {"status": 200, "text": "no cookie", "session": "seven"}
    assert page.ask(f"{api}/hello", **UPDATE)["text"] == "Bearer x 7 new", "after a preflight"
    assert page.ask(f"{api}/nothing", **UPDATE)["status"] == 404, "an error is no mystery"
    assert page.ask(f"{api}/hello", **UPDATE | {"method": "DELETE"})["status"] == 405
    assert page.ask(f"{api}/hello", credentials="include") == {"error": "TypeError"}
    page.listen(f"{api}/events")
    assert page.heard(2) == [[" no cookie", "id 0"], ["id 0 no cookie", "id 1"]], "it comes back with the id"


def test_a_named_page_may_send_cookies_and_another_may_read_nothing(page, serve, scripts):
    settings = f'HTTPServer.set_cors_origins {{ "{page.origin}" }} HTTPServer.set_cors_credentials(true)\n'
    api = serve(scripts(main=settings + ROUTES)).url
    assert page.ask(f"{api}/hello", credentials="include")["text"] == "no cookie"
    assert page.ask(f"{api}/hello", credentials="include") == {"status": 200, "text": "moon=full", "session": "seven"}
    assert page.ask(f"{api}/hello", **UPDATE, credentials="include")["text"] == "Bearer x 7 new"
    assert page.ask(f"{api}/nothing", **UPDATE, credentials="include")["status"] == 404
    page.listen(f"{api}/events", withCredentials=True)
    assert page.heard(1)[0][0] == " moon=full"

    page.open(page.elsewhere)
    assert page.ask(f"{api}/hello") == {"error": "TypeError"}
    assert page.ask(f"{api}/hello", **UPDATE) == {"error": "TypeError"}
    page.listen(f"{api}/events")
    assert page.heard(1) == [["closed"]]


def test_a_stream_with_a_list_of_its_own_names_the_page(page, serve, scripts):
    main = f"""
    HTTPServer.set_cors_credentials(true)
    HTTPServer.register_route("GET", "/events", function(request, response)
      response:start_sse {{ allowed_origins = {{ "{page.origin}" }} }}:send("for you")
    end)
    """
    api = serve(scripts(main=main)).url
    page.listen(f"{api}/events", withCredentials=True)
    assert page.heard(1) == [["for you", ""]]
    assert page.ask(f"{api}/nothing")["status"] == 404

    page.open(page.elsewhere)
    assert page.ask(f"{api}/events")["status"] == 403, "which any page may read"
    page.listen(f"{api}/events")
    assert page.heard(1) == [["closed"]]


def test_without_cors_no_page_of_another_origin_reads_anything(page, serve, scripts):
    api = serve(scripts(main="HTTPServer.set_cors_enabled(false)\n" + ROUTES)).url
    assert page.ask(f"{api}/hello") == {"error": "TypeError"}
    assert page.ask(f"{api}/hello", **UPDATE) == {"error": "TypeError"}
    page.listen(f"{api}/events")
    assert page.heard(1) == [["closed"]]
