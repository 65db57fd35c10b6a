"""Cookies and redirects as curl and the Python client requests see them."""

import re
import subprocess

import pytest
import requests

from support import PATIENCE

MAIN = """
HTTPServer.register_route("GET", "/login", function(request, response)
  response:set_cookie("session", "s3cret", { http_only = true, same_site = "Lax" })
    :set_cookie("theme", '"dark"', { max_age = 3600 })
    :set_cookie("deep", "1", { path = "/deep", expires = os.time() + 60 })
    :redirect("/who")
end)

HTTPServer.register_route("GET", "/logout", function(request, response)
  response:set_cookie("session", "", { max_age = 0 }):redirect("/who", 303)
end)

local function who(request, response)
  local words = {}
  for name, value in pairs(request.cookies) do words[#words + 1] = name .. "=" .. value end
  table.sort(words)
  response.body = table.concat(words, " ")
end
HTTPServer.register_route("GET", "/who", who)
HTTPServer.register_route("GET", "/deep/who", who)

HTTPServer.register_route("*", "/hop/{status}", function(request, response)
  response:redirect("/method?from=é x", math.tointeger(request.path_params.status))
end)
HTTPServer.register_route("*", "/method", function(request, response)
  response.body = request.method .. " " .. request.body .. " " .. request:get_query_param("from")
end)
"""


@pytest.fixture
def url(serve, scripts):
    return serve(scripts(main=MAIN)).url


def curl(*arguments):
    command = ["curl", "-sS", "--max-time", str(PATIENCE), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_curl_sends_the_cookies_it_is_given(url):
    assert curl("-b", "b=2; a=1", f"{url}/who") == "a=1 b=2"
    assert curl("-H", "Cookie: a=1; a=2; nothing; =x; q=\"\"", f"{url}/who") == 'a=1 q=""'


def test_curl_keeps_cookies_and_follows(url, tmp_path):
    jar = tmp_path / "jar"
    assert curl("-L", "-c", jar, "-b", jar, f"{url}/login") == 'session=s3cret theme="dark"'
    assert "#HttpOnly_127.0.0.1" in jar.read_text()
    assert curl("-b", jar, f"{url}/deep/who") == 'deep=1 session=s3cret theme="dark"'
    assert curl("-L", "-c", jar, "-b", jar, f"{url}/logout") == 'theme="dark"'


def test_without_following_curl_shows_where_it_leads(url):
    answer = curl("-i", f"{url}/login")
    assert re.match(r"HTTP/1\.1 302 Found\n", answer)
    assert len(re.findall(r"(?mi)^set-cookie: ", answer)) == 3
    assert answer.endswith("\n\n302 Found: /who\n")


def test_requests_keeps_cookies_and_follows(url):
    with requests.Session() as session:
        assert session.get(f"{url}/login", timeout=PATIENCE).text == 'session=s3cret theme="dark"'
        assert session.get(f"{url}/deep/who", timeout=PATIENCE).text == 'deep=1 session=s3cret theme="dark"'
        [deep] = [cookie for cookie in session.cookies if cookie.name == "deep"]
        assert (deep.path, deep.expires is not None, deep.is_expired()) == ("/deep", True, False)
        assert session.get(f"{url}/logout", timeout=PATIENCE).text == 'theme="dark"'


@pytest.mark.parametrize(
    "status, method, seen",
    [(301, "GET", "GET"), (302, "GET", "GET"), (303, "POST", "GET"), (307, "POST", "POST"), (308, "POST", "POST")],
)
def test_a_redirect_keeps_or_changes_the_method_as_its_status_says(url, status, method, seen):
    body = "body" if method == "POST" else None
    answer = requests.request(method, f"{url}/hop/{status}", data=body, timeout=PATIENCE)
    assert [step.status_code for step in answer.history] == [status]
    assert answer.text == f"{seen} {body if seen == 'POST' else ''} é x"
    options = ["--data", body] if body else []
    assert curl("-L", *options, f"{url}/hop/{status}") == f"{seen} {body if seen == 'POST' else ''} é x"
