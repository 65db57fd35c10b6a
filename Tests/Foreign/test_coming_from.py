"""What docs/coming-from.md says of other products' calls: each row of its tables is run, and found to be so.

A row's second cell is the body of a handler, its third what comes of it:

    `: open↵`             all that the stream has behind its first comment
    `X-A: 1`, `404 …`     lines of the head, whatever their case
    anything else         the body: what the handler has sent, or what its expression gives
    log `a`, `b`          what it prints, in this order
    `File: test's name`   a test that shows it; the row is not run then, only its calls are looked up

A second cell that begins with "not there:" names what must not exist.
"""

import re
from typing import NamedTuple

import pytest

from blazium import exchange, request
from support import BINARY, ROOT, Server, lua_string
from test_blazium_port import is_there

PAGE = (ROOT / "docs" / "coming-from.md").read_text()
CODE = re.compile(r"`([^`]+)`")

SCRIPT = """
local made = {
  sse = function(request, response) return SSE.new(request, response) end,
  controller = function(request, response) return Stack.upgrade_to_sse(request, response) end,
  publisher = function() return SSEPublisher.memory() end,
}

-- What a row sees besides the globals.
local function environment(number, request, response)
  local values = { request = request, response = response }
  function values.print(...)
    local words = table.pack(...)
    for index = 1, words.n do words[index] = tostring(words[index]) end
    print(number, table.concat(words, " "))
  end
  return setmetatable(values, { __index = function(_, name)
    if not made[name] then return _G[name] end
    values[name] = made[name](request, response)
    return values[name]
  end })
end

HTTPServer.register_route("*", "/run/{id}", function(request, response)
  local number = tonumber(request:get_header("X-Row"))
  local values = environment(number, request, response)
  local chunk = load("return " .. rows[number], "=row", "t", values)
  local value = (chunk or assert(load(rows[number], "=row", "t", values)))()
  if value ~= nil and value ~= response and not response:is_sse_response() then
    pcall(response.set_body, response, tostring(value)) -- unless the row has answered
  end
  for _, id in ipairs(HTTPServer.get_active_sse_connections()) do HTTPServer.close_sse_connection(id) end
end)
"""

# What each product's users may look for.
NAMES = {
    "HyperExpress": """
        sse open close comment send active once on abort finish prepare status type header cookie redirect write stream
        json jsonp html file attachment download throw atomic upgrade completed aborted initiated method url path
        path_query headers cookies path_parameters query_parameters ip proxy_ip port proxy_port sign unsign buffer text
        urlencoded multipart received get post put delete head options patch any use set_error_handler
        set_not_found_handler listen shutdown force_close publish
    """.split(),
    "S42-Core": """
        SSE getUUID send eventName eventPayload close getResponse welcome status json html text redirect setHeader
        Controller RouteControllers EventsDomain maxRequestBodySize idleTimeout
    """.split(),
    "Swiftybase": [
        "Upgrade to SSE", "Allowed Origins", "Ping Duration", "Inactivity Duration", "Send SSE", "Is SSE Active",
        "Close SSE", "New SSE Event", "Register SSE", "Remove SSE", "Publish SSE", "New Redis SSE Pub Sub Publisher",
        "Start SSE Publisher", "Redis Connect", "Has Registry Value", "Get Registry Value", "server hook",
    ],
}  # fmt: skip


IS_MISSING = """
local function is_missing(read)
  local is_read, value = pcall(read)
  return not is_read or value == nil
end
"""


class Row(NamedTuple):
    product: str
    theirs: str
    here: str
    then: str
    why: str


def rows():
    found, product = [], ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            product = line[3:]
        elif line.startswith("| ") and not line.startswith("| ---"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) == 4, line
            if cells[1] != "here":
                found.append(Row(product, *cells))
    return found


ROWS = rows()


def named_tests(row):
    return [span.partition(": ") for span in CODE.findall(row.then) if re.match(r"(test_\w+|\w+Tests): ", span)]


def code_of(row):
    """What is run for the row; where tests show what it does, only whether its calls exist."""
    spans = CODE.findall(row.here)
    if row.here.startswith("not there: "):
        return f"{IS_MISSING} print({' and '.join(f'is_missing(function() return {span} end)' for span in spans)})"
    if not named_tests(row):
        return "\n".join(spans)
    calls = re.findall(r"\b(HTTPServer|Stack|request|response)[.:](\w+)", " ".join(spans))
    return "print(" + " and ".join(f"{thing}.{name} ~= nil" for thing, name in calls) + ")" if calls else ""


RUN = [number for number, row in enumerate(ROWS, 1) if code_of(row)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("coming-from")
    (directory / "page.html").write_text("<p>a file")
    table = ", ".join(lua_string(code_of(row)) for row in ROWS)
    (directory / "main.lua").write_text(f"local rows = {{ {table} }}\n{SCRIPT}")
    command = [BINARY, "serve", directory, "--port", 0, "--log-format", "json"]
    server = Server(command, may_log_errors=True)
    try:
        yield server.wait_until_listening()
    finally:
        server.clean_up()


def answer_of(server, number):
    """The lines of the head, in lower case, and the body."""
    post = re.search(r"POST with `([^`]*)`", ROWS[number - 1].theirs)
    body = post[1].encode() if post else b""
    headers = [f"X-Row: {number}", "X-Team: red", "Cookie: user=ann", f"Content-Length: {len(body)}"]
    if b"=" in body:
        headers.append("Content-Type: application/x-www-form-urlencoded")
    target = "/run/7?name=ann&tag=a&tag=b"
    answer = exchange(server, request("POST" if post else "GET", target, *headers, body=body))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode().lower().split("\r\n"), body.decode()


def expectations(row):
    """Of the head, of the stream or body, of the log; None for what the row says nothing of."""
    if named_tests(row) or row.here.startswith("not there: "):
        return [], None, ["true"]
    then, _, log = row.then.partition("log ")
    spans = CODE.findall(then)
    head = [span for span in spans if re.match(r"[1-5]\d\d [A-Z]|(?!JSON)[A-Za-z-]+: [^↵{]*$", span)]
    rest = [span for span in spans if span not in head]
    return head, "".join(rest) if rest or not head else None, CODE.findall(log)


def pattern(text):
    """`…` is anything on its line."""
    return re.escape(text.replace("↵", "\n")).replace("…", "[^\n]*")


@pytest.mark.parametrize("number", RUN, ids=[f"{ROWS[number - 1].product}: {ROWS[number - 1].here}" for number in RUN])
def test_a_row_of_the_page_is_so(server, number):
    head, rest, log = expectations(ROWS[number - 1])
    assert head or rest or log, "the row says nothing"
    lines, body = answer_of(server, number)
    for text in head:
        assert [line for line in lines if re.search(pattern(text.lower()), line)], lines
    if "content-type: text/event-stream; charset=utf-8" in lines:
        assert body.startswith(":\n")
        body = body[2:]
    assert rest is None or re.fullmatch(pattern(rest), body), body
    for count, expected in enumerate(log, 1):
        message = server.log.wait(rf"^{number}\t", count)["message"]
        assert re.fullmatch(pattern(expected), message.partition("\t")[2]), message


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.product}: {row.theirs}")
def test_every_row_is_run_or_names_tests_that_exist(row):
    assert row.then or row.here.startswith("not there: ")
    assert code_of(row) or named_tests(row)
    assert [name for name in named_tests(row) if not is_there("".join(name))] == []


@pytest.mark.parametrize("product", NAMES)
def test_every_name_of_the_product_has_a_row(product):
    text = " ".join(row.theirs for row in ROWS if row.product == product)
    assert [name for name in NAMES[product] if not re.search(rf"\b{name}\b", text)] == []
