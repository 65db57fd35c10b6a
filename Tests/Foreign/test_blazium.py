"""What Blazium's HTTPServer gets wrong, as docs/blazium.md lists it: for each entry a test that fails where it is so.

Entries 12 to 18 are in test_blazium_requests.py.
"""

import re

import httpx
import pytest

from blazium import OPEN, SCRIPT, exchange, lua, parse, request
from proxies import free_port


@pytest.fixture
def server(serve, scripts):
    return serve(scripts(main=SCRIPT))


@pytest.fixture
def stream(server, connect):
    """A client whose stream has the id 1."""
    client = connect(server, "/events")
    client.read_until(OPEN)
    return client


# MARK: 1. the static directory is only a setting


def test_a_static_directory_is_served_and_listed(serve, scripts):
    directory = scripts(main="HTTPServer.set_static_directory('files') HTTPServer.enable_directory_listing(true)")
    (directory / "files" / "maps").mkdir(parents=True)
    (directory / "files" / "maps" / "moon.txt").write_text("0123456789")
    with httpx.Client(base_url=serve(directory).url) as http:
        whole = http.get("/maps/moon.txt")
        assert (whole.status_code, whole.text) == (200, "0123456789")
        assert http.get("/maps/moon.txt", headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
        part = http.get("/maps/moon.txt", headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.text) == (206, "234")
        assert "moon.txt" in http.get("/maps/").text


@pytest.mark.parametrize(
    "target",
    ["/../main.lua", "/%2e%2e/main.lua", "/%252e%252e/main.lua", "/..%2fmain.lua", "/..\\main.lua", "//main.lua",
     "/maps/../../main.lua", "/out/main.lua", "/%00/../main.lua"],
)  # fmt: skip
def test_no_path_leaves_the_static_directory(serve, scripts, target):
    directory = scripts(main="HTTPServer.set_static_directory('files') -- the script")
    (directory / "files" / "maps").mkdir(parents=True)
    (directory / "files" / "out").symlink_to(directory)
    answer = exchange(serve(directory), request("GET", target))
    assert re.match(rb"HTTP/1.1 (400|404) ", answer) and b"the script" not in answer


# MARK: 2. CRLF in data makes two events of one


@pytest.mark.parametrize("end", ["\\n", "\\r\\n", "\\r"])
def test_data_with_any_line_end_is_one_event(server, stream, end):
    assert lua(server, f"return HTTPServer.send_sse_event(1, 'tick', 'one{end}two', '7')") == 0
    assert lua(server, "HTTPServer.close_sse_connection(1)") is None
    assert stream.read_to_end() == b"id: 7\nevent: tick\ndata: one\ndata: two\n\n"


# MARK: 3. text forges fields


@pytest.mark.parametrize("character", ["\\n", "\\r", "\\0"])
@pytest.mark.parametrize("call", ["'a{}data: forged', 'x'", "'a', 'x', '1{}data: forged'"], ids=["event", "event_id"])
def test_a_type_or_id_that_could_forge_a_field_is_error_31(server, stream, call, character):
    assert lua(server, f"return HTTPServer.send_sse_event(1, {call.format(character)})") == 31
    lua(server, "HTTPServer.close_sse_connection(1)")
    assert stream.read_to_end() == b""


@pytest.mark.parametrize("end", ["\\n", "\\r\\n", "\\r"])
def test_a_comment_forges_no_field(server, stream, end):
    assert lua(server, f"return HTTPServer.send_sse_comment(1, 'a{end}data: forged{end}')") == 0
    lua(server, "HTTPServer.close_sse_connection(1)")
    assert all(line.startswith(b":") for line in stream.read_to_end().splitlines())


def test_a_header_that_could_forge_another_raises(serve, scripts):
    main = """
    HTTPServer.register_route("GET", "/", function(request, response)
      response.body = tostring(pcall(response.add_header, response, "X-A", "b\\r\\nX-Forged: c"))
    end)
    """
    _, headers, body = parse(exchange(serve(scripts(main=main)), request("GET", "/")))
    assert body == b"false" and "x-a" not in headers and "x-forged" not in headers


# MARK: 4. a closed stream's client is not disconnected


def test_a_stream_that_is_closed_gets_what_was_sent_before_and_the_end(server, stream):
    code = "HTTPServer.send_sse_data(1, 'last') HTTPServer.close_sse_connection(1)"
    assert lua(server, f"{code} return HTTPServer.send_sse_data(1, 'late')") == 33
    assert stream.read_to_end() == b"data: last\n\n"
    server.log.wait(r"^closed\s1\sserver$")


# MARK: 5. a client that left is noticed by the next write only


@pytest.mark.parametrize("way", ["FIN", "RST"])
def test_a_client_that_leaves_is_noticed_without_a_write(server, stream, way):
    stream.reset() if way == "RST" else stream.close()
    server.log.wait(r"^closed\s1\sclient$")
    assert lua(server, "return #HTTPServer.get_active_sse_connections()") == 0


# MARK: 6. one slow reader stalls everyone


def test_a_client_that_does_not_read_holds_up_nobody(server, connect):
    slow = connect(server, "/events", receive_buffer=4096)
    slow.read_until(OPEN)
    reader = connect(server, "/events")
    reader.read_until(OPEN)
    code = """
    local text, error = ("x"):rep(65536), OK
    while error == OK do
      error = HTTPServer.send_sse_data(1, text)
      HTTPServer.send_sse_data(2, "still here")
      sleep(0)
    end
    return error
    """
    assert lua(server, code) == 44
    reader.read_until(b"data: still here\n\n")
    server.log.wait(r"^closed\s1\sslow$")
    assert lua(server, "return HTTPServer.get_active_sse_connections()") == [2]


# MARK: 7. no heartbeats, limits, history or broadcasts

MORE = """
HTTPServer.register_route("GET", "/beat", function(request, response) response:start_sse { ping_duration = 0.02 } end)
HTTPServer.register_route("GET", "/idle", function(request, response)
  response:start_sse { inactivity_duration = 0.05 }
end)
HTTPServer.register_route("GET", "/news", function(request, response) response:start_sse { channels = { "news" } } end)
"""


def test_a_stream_has_a_heartbeat_and_may_end_when_it_is_idle(serve, scripts, connect):
    server = serve(scripts(main=SCRIPT + MORE))
    connect(server, "/beat").read_until(OPEN + b":\n:\n")
    connect(server, "/idle").read_until(OPEN)
    server.log.wait(r"^closed\s2\sinactive$")


def test_a_client_that_comes_back_gets_what_it_missed(serve, scripts, connect):
    server = serve(scripts(main=SCRIPT + MORE))
    code = """
    local channel, ids = HTTPServer.channel("news"), {}
    for number = 1, 3 do ids[number] = channel:publish_and_wait("update", number) end
    return ids
    """
    first, second, third = lua(server, code)
    head = connect(server, f"/news?lastEventId={first}").read_until(f"id: {third}\nevent: update\ndata: 3\n\n".encode())
    assert head.partition(OPEN)[2] == (
        f"id: {second}\nevent: update\ndata: 2\n\nid: {third}\nevent: update\ndata: 3\n\n".encode()
    )


def test_a_broadcast_reaches_every_stream(server, connect):
    clients = [connect(server, "/events") for _ in range(5)]
    for client in clients:
        client.read_until(OPEN)
    assert lua(server, "return HTTPServer.broadcast('tick', 'now')") == 5
    for client in clients:
        assert client.read_until(b"\n\n") == b"event: tick\ndata: now\n\n"


# MARK: 8. and 9. streams that end while others are told; handlers run under the server's lock


def test_callbacks_of_streams_that_end_may_send_to_others_and_close_them(serve, scripts, connect):
    main = """
    local left = {}
    HTTPServer.sse_connection_closed:connect(function(id)
      for _, other in ipairs(HTTPServer.get_active_sse_connections()) do HTTPServer.send_sse_data(other, id) end
      HTTPServer.close_sse_connection(HTTPServer.get_active_sse_connections()[1] or 0)
    end)
    """
    server = serve(scripts(main=SCRIPT + main))
    clients = [connect(server, "/events") for _ in range(40)]
    for client in clients:
        client.read_until(OPEN)
    for client in clients[30:]:
        client.reset()
    for client in clients[:30]:
        client.read_to_end()
    server.log.wait(r"^closed\s", count=40)
    assert lua(server, "return #HTTPServer.get_active_sse_connections()") == 0
    closed = [record["message"].split("\t")[1] for record in server.log.find(r"^closed\s")]
    assert sorted(map(int, closed)) == list(range(1, 41))


@pytest.mark.parametrize("threads", [1, 4])
def test_a_handler_may_stop_the_server_and_listen_again(serve, scripts, connect, threads):
    server = serve(scripts(main=SCRIPT), "--threads", threads, port=free_port())
    code = """
    HTTPServer.stop()
    return { HTTPServer.is_listening(), HTTPServer.get_port(), HTTPServer.listen(80, "127.0.0.1") }
    """
    for number in range(1, 6):
        stream = connect(server, "/events")
        stream.read_until(OPEN)
        assert lua(server, code) == [False, 0, 0]
        server.log.wait(rf"^closed\s{number}\sshutdown$")
        assert re.fullmatch(rb"retry: \d+\n", stream.read_to_end())
        server.log.wait("^listening$", count=1 + number)
        for _ in range(4):  # on every thread
            assert lua(server, "return HTTPServer.is_listening()")


# MARK: 10. and 11. a handler does not know its stream, nor the signal its request; headers have one case


def test_a_handler_knows_its_stream_and_the_signal_its_request(serve, scripts, connect):
    main = """
    HTTPServer.register_route("GET", "/events", function(request, response)
      local connection = response:start_sse()
      connection.user = request:get_query_param("user")
      HTTPServer.send_sse_event(connection.connection_id, "handler", connection.user)
    end)
    HTTPServer.sse_connection_opened:connect(function(id)
      local connection = HTTPServer.get_sse_connection(id)
      connection:send("opened", connection.user .. " " .. connection.request.raw_path)
    end)
    """
    server = serve(scripts(main=main))
    users = ["ann", "bob", "cid"]
    clients = [connect(server, f"/events?user={user}") for user in users]
    for user, client in zip(users, clients):
        client.read_until(OPEN)
        assert client.read_until(b"\n\n") == f"event: handler\ndata: {user}\n\n".encode()
        assert client.read_until(b"\n\n") == f"event: opened\ndata: {user} /events?user={user}\n\n".encode()


def test_the_headers_of_an_opened_stream_are_found_in_any_case(serve, scripts):
    main = """
    HTTPServer.sse_connection_opened:connect(function(id, path, headers)
      HTTPServer.send_sse_data(id, table.concat({ headers["X-Team"], headers["x-team"], headers["X-TEAM"] }, " "))
      HTTPServer.close_sse_connection(id)
    end)
    """
    answer = exchange(serve(scripts(main=SCRIPT + main)), request("GET", "/events", "x-TEAM: red"))
    assert answer.endswith(OPEN + b"data: red red red\n\n")
