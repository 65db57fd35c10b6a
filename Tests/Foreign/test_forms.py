"""Forms as curl and the Python clients requests and httpx send them."""

import json
import subprocess

import httpx
import pytest
import requests

from support import PATIENCE

MAIN = """
local function hex(text) return (text:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end

-- Names and values in hex, since they may be any bytes.
local function shown(value)
  if type(value) == "string" then return hex(value) end
  return { name = hex(value.name), filename = hex(value.filename), type = value.content_type, data = hex(value.data) }
end

HTTPServer.register_route("POST", "/form", function(request, response)
  local form, message = request:parse_form_data()
  if not form then return response:set_status(400):set_body(message) end
  local all = {}
  for name in pairs(form) do
    local values = JSON.array {}
    for index, value in ipairs(request:get_form_values(name)) do values[index] = shown(value) end
    all[hex(name)] = values
  end
  response:set_json(all)
end)

HTTPServer.register_route("POST", "/file", function(request, response)
  local file = request:parse_form_data().file
  response:set_content_type(file.content_type).body = file.data
end)
"""

ALL_BYTES = bytes(range(256))
BINARY = b"\x89PNG\r\n\x1a\n\r\n--\r\n----" + ALL_BYTES


@pytest.fixture
def url(serve, scripts):
    return serve(scripts(main=MAIN)).url


def text(value):
    return bytes.fromhex(value).decode()


def read(answer):
    """The names of a form with their values; a file is (name, type, bytes)."""
    found = {}
    for name, values in json.loads(answer).items():
        found[text(name)] = [
            text(value)
            if isinstance(value, str)
            else (text(value["filename"]), value["type"], bytes.fromhex(value["data"]))
            for value in values
        ]
        assert all(text(value["name"]) == text(name) for value in values if not isinstance(value, str))
    return found


# MARK: curl


def curl(*arguments):
    command = ["curl", "-sS", "--fail-with-body", "--max-time", str(PATIENCE), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, timeout=2 * PATIENCE)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a picture.png"
    path.write_bytes(BINARY)
    return path


def test_curl_sends_fields_and_files(url, picture):
    arguments = ["-F", "title=Grüße & more", "-F", "empty=", "-F", f"photo=@{picture}", "-F", "photo=second"]
    arguments += ["-F", f'notes=@{picture};type=text/x-note;filename="../notes.txt"', "-F", f"inline=<{picture}"]
    answer = json.loads(curl(*arguments, f"{url}/form"))
    assert bytes.fromhex(answer.pop(b"inline".hex())[0]) == BINARY
    assert read(json.dumps(answer)) == {
        "title": ["Grüße & more"],
        "empty": [""],
        "photo": [("a picture.png", "image/png", BINARY), "second"],
        "notes": [("notes.txt", "text/x-note", BINARY)],
    }


@pytest.mark.parametrize("escape", [[], ["--form-escape"]], ids=["as browsers", "by backslash"])
def test_curl_sends_quotes_in_names(url, picture, escape):
    name = 'say "yes"'
    arguments = [*escape, "-F", f"{name}=1", "-F", f'file=@{picture};filename="a \\"b\\".png"']
    assert read(curl(*arguments, f"{url}/form")) == {name: ["1"], "file": [('a "b".png', "image/png", BINARY)]}


def test_curl_sends_a_large_file_that_comes_back(url, tmp_path):
    large = tmp_path / "large.bin"
    large.write_bytes((b"\r\n------------------------" * 40_000)[: (1 << 20) - 1000])
    assert curl("-F", f"file=@{large}", f"{url}/file") == large.read_bytes()


def test_curl_sends_an_empty_form(url):
    assert read(curl("-d", "", f"{url}/form")) == {}


def test_a_multipart_inside_the_form_is_refused(url):
    with pytest.raises(AssertionError, match="part 1: it is a multipart itself"):
        curl("-F", "files=(;type=multipart/mixed", "-F", "=one", "-F", "=two", "-F", "=)", f"{url}/form")


def test_curl_sends_urlencoded_data(url):
    arguments = ["--data-urlencode", "text=a b&c=d+é\r\n100%", "-d", "a=1&a=2", "-d", "none"]
    found = read(curl(*arguments, f"{url}/form"))
    assert found == {"text": ["a b&c=d+é\r\n100%"], "a": ["1", "2"], "none": [""]}


# MARK: Python


def post_requests(url, **form):
    return requests.post(url, timeout=PATIENCE, **form).text


def post_httpx(url, **form):
    return httpx.post(url, timeout=PATIENCE, **form).text


@pytest.fixture(params=[post_requests, post_httpx], ids=["requests", "httpx"])
def post(request):
    return request.param


def test_a_python_client_sends_fields_and_files(url, post):
    answer = post(
        f"{url}/form",
        data={"title": "Grüße\r\nund so", "list": ["1", "2", ""], "100%": "%41"},
        files=[
            ("photo", ("a picture.png", BINARY, "image/png")),
            ("photo", ("größe.txt", b"")),
            ("untyped", ("blob", b"\r\n")),
        ],
    )
    found = read(answer)
    [untyped] = found.pop("untyped")  # httpx calls it application/octet-stream, requests nothing
    assert (untyped[0], untyped[2]) == ("blob", b"\r\n")
    assert found == {
        "title": ["Grüße\r\nund so"],
        "list": ["1", "2", ""],
        "100%": ["%41"],
        "photo": [("a picture.png", "image/png", BINARY), ("größe.txt", "text/plain", b"")],
    }


@pytest.mark.parametrize("name", ['quo"te', "100%", "semi;colon=x", "naïve 🌙", "a'b", "[x][y]", "line\r\nbreak"])
def test_a_python_client_sends_odd_names(url, post, name):
    found = read(post(f"{url}/form", data={name: "value"}, files={f"f{name}": (f"{name}.txt", b"x", "a/b")}))
    assert found == {name: ["value"], f"f{name}": [(f"{name}.txt", "a/b", b"x")]}


def test_a_python_client_sends_urlencoded_data(url, post):
    data = {"a": ["1", "2"], "é €": "+&=%\r\n", "": "x"}
    assert read(post(f"{url}/form", data=data)) == {"a": ["1", "2"], "é €": ["+&=%\r\n"], "": ["x"]}


def test_a_thousand_files_are_taken_and_no_more(url, post):
    files = [("f", (f"{number}", b"x")) for number in range(1000)]
    assert len(read(post(f"{url}/form", files=files))["f"]) == 1000
    assert post(f"{url}/form", files=[*files, ("f", ("more", b""))]) == "form: there are more than 1000 fields"
