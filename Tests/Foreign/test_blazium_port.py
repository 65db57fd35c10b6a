"""A Godot script that uses every name of Blazium's HTTPServer module, in Lua: what its calls give and clients see."""

import json
import re
from pathlib import Path
from threading import Thread

import httpx
import pytest

from support import BINARY, PATIENCE, ROOT, Server

PORT = Path(__file__).parent / "blazium_port"

# Every name that scripts of Blazium can use, by class.
NAMES = {
    "HTTPServer": """
        listen stop is_listening get_port register_route unregister_route clear_routes set_static_directory
        get_static_directory enable_directory_listing is_directory_listing_enabled send_sse_event send_sse_data
        send_sse_retry send_sse_comment close_sse_connection get_active_sse_connections set_cors_enabled is_cors_enabled
        set_cors_origin get_cors_origin set_max_request_size get_max_request_size complete_response
        sse_connection_opened sse_connection_closed server_error
    """.split(),
    "HTTPRequestContext": """
        method path raw_path query_params path_params headers body client_ip client_port client_id get_header has_header
        get_query_param has_query_param get_path_param has_path_param parse_json_body parse_form_data
    """.split(),
    "HTTPResponse": """
        status_code body headers set_status get_status set_body get_body set_json set_file add_header set_content_type
        get_headers start_sse is_sse_response hold is_held is_file get_file_path is_sent mark_sent get_held_client_id
        set_held_client_id
    """.split(),
    "SSEConnection": "connection_id path send_event send_data close_connection is_connection_active".split(),
}

# Godot's numbers.
OK, UNCONFIGURED, FILE_NOT_FOUND, ALREADY_IN_USE = 0, 3, 7, 22
INVALID_DATA, INVALID_PARAMETER, DOES_NOT_EXIST = 30, 31, 33

READ_ONLY = "method path raw_path query_params path_params headers body client_ip client_port client_id".split()
NOT_THERE = "is_file get_file_path is_sent mark_sent get_held_client_id set_held_client_id".split()

IN_SCRIPT = {
    "is_listening at first": False,
    "get_port at first": 0,
    "listen with TLS but no key": INVALID_PARAMETER,
    "listen with a key that is not there": FILE_NOT_FOUND,
    "listen with a key that is none": INVALID_DATA,
    "listen at no address": INVALID_PARAMETER,
    "listen": OK,
    "listen twice": ALREADY_IN_USE,
    "is_listening": True,
    "get_port": True,
    "get_static_directory at first": "",
    "get_static_directory": "files",
    "is_directory_listing_enabled at first": False,
    "is_directory_listing_enabled": True,
    "is_cors_enabled at first": True,
    "is_cors_enabled": False,
    "get_cors_origin at first": "*",
    "get_cors_origin": "https://game.example",
    "get_max_request_size at first": 1 << 20,
    "get_max_request_size of too little": 1024,
    "get_max_request_size": 8192,
    "connect": OK,
    "is_connected": True,
    "server_error": "main.lua:39: it broke",
    # HTTPRequestContext
    "method": "GET",
    "path": "/player/ann b",
    "raw_path": "/player/ann%20b?level=3&tag=a%3Db=c&level=4",
    "query_params": {"level": "3", "tag": "a=b=c"},
    "path_params": {"name": "ann b"},
    "headers": "red",
    "body": "",
    "client_ip": "127.0.0.1",
    "client_port": True,
    "get_client_id": True,
    "get_header": "red",
    "get_header without one": "",
    "get_header with a default": "none",
    "has_header": True,
    "get_query_param": "3",
    "get_query_param with a default": "0",
    "has_query_param": True,
    "get_path_param": "ann b",
    "get_path_param with a default": "nobody",
    "has_path_param": True,
    **{f"request.{name} = raises": True for name in READ_ONLY},
    **{f"request:set_{name} raises": True for name in READ_ONLY},
    # HTTPResponse
    "status_code at first": 200,
    "body at first": "",
    "headers at first": True,
    "response.headers = raises": True,
    "get_status": 202,
    "get_body": "a",
    "get_headers": "text/csv",
    "is_sse_response of an answer": False,
    "is_sse_response": True,
    **{f"response.{name}": "nothing" for name in NOT_THERE},
    "is_held at first": False,
    "is_held": True,
    "complete_response of nobody": DOES_NOT_EXIST,
    "complete_response with nil": INVALID_PARAMETER,
    "complete_response of what is not held": INVALID_PARAMETER,
    "complete_response": OK,
    "complete_response twice": DOES_NOT_EXIST,
    # Streams by id
    "sse_connection_opened": [1, "/events", "a:0", "a:0"],
    "get_active_sse_connections": [1],
    "send_sse_retry": OK,
    "send_sse_event": OK,
    "send_sse_data": OK,
    "send_sse_comment": OK,
    "send_sse_comment of nothing": OK,
    "send_sse_event of a bad type": INVALID_PARAMETER,
    "send_sse_event of a bad id": INVALID_PARAMETER,
    "send_sse_event to nobody": DOES_NOT_EXIST,
    "send_sse_data to nobody": DOES_NOT_EXIST,
    "send_sse_retry to nobody": DOES_NOT_EXIST,
    "send_sse_comment to nobody": DOES_NOT_EXIST,
    "close_sse_connection of nobody": "nothing",
    "sse_connection_closed 1": "server",
    "sse_connection_closed 2": "server",
    "sse_connection_closed 3": "shutdown",
    **{f"send_sse_data when closed {number}": DOES_NOT_EXIST for number in (1, 2, 3)},
    # SSEConnection
    "connection_id": 2,
    "connection.path": "/object",
    "is_connection_active": True,
    "send_event": OK,
    "send_event with an id": OK,
    "send_data": OK,
    "set_connection_id of a stream raises": True,
    "set_path of a stream raises": True,
    "is_connection_active when closed": False,
    "send_event when closed": UNCONFIGURED,
    "connection_id of a new one": 0,
    "path of a new one": "",
    "a new one as it was set": [7, "/made"],
    "send_data of a new one": UNCONFIGURED,
    # stop
    "is_listening after stop": False,
    "get_port after stop": 0,
}

AT_CLIENTS = {
    "GET /cleared": 404,
    "GET /unregistered": 404,
    "GET /answer": [201, "text/csv", ["a=1", "b=2"], "made"],
    "GET /broken": 500,
    "GET /file": [200, "text/plain", "ann 7\n"],
    "GET /no-file": 404,
    "GET /scores.txt": "ann 7\n",
    "GET / lists scores.txt": True,
    "Access-Control-Allow-Origin": "https://game.example",
    "POST /json": {"score": [7, 1.5, None]},
    "POST /json of nonsense": ["no JSON"],
    "POST /json of 8192 bytes": 200,
    "POST /json of 8193 bytes": 413,
    "POST /form": {"name": "Ann B", "score": "7"},
    "GET /held": [202, "completed"],
    "GET /events": b":\nretry: 0\nid: a:1\nevent: endpoint\ndata: /messages\n\n"
    b"data: one\ndata: two\n\n: keepalive\n:\n",
    "GET /object": b":\nevent: tick\ndata: 1\n\nid: b:2\nevent: tick\ndata: 2\n\ndata: 3\n\n",
    "GET /last": True,
}


def play(server):
    """The clients' part. Returns what they saw, by request."""
    saw = {}

    def follow(path, until=b"", then=None):
        """All bytes of a stream; `then` is called once `until` has come."""
        received = b""
        with http.stream("GET", path, headers={"Last-Event-ID": "a:0"}) as stream:
            for piece in stream.iter_raw():
                received += piece
                if then and received.endswith(until):
                    then()
                    then = None
        return received

    def ask():
        answer = httpx.get(f"{server.url}/held", timeout=PATIENCE)
        saw["GET /held"] = [answer.status_code, answer.text]

    with httpx.Client(base_url=server.url, timeout=PATIENCE) as http:
        for path in ["/cleared", "/unregistered", "/broken", "/no-file"]:
            saw[f"GET {path}"] = http.get(path).status_code
        http.get("/player/ann%20b?level=3&tag=a%3Db=c&level=4", headers={"x-TEAM": "red"})
        made = http.get("/answer")
        cookies = made.headers.get_list("Set-Cookie")
        saw["GET /answer"] = [made.status_code, made.headers["Content-Type"], cookies, made.text]
        saw["Access-Control-Allow-Origin"] = made.headers["Access-Control-Allow-Origin"]
        file = http.get("/file")
        saw["GET /file"] = [file.status_code, file.headers["Content-Type"].split(";")[0], file.text]
        saw["GET /scores.txt"] = http.get("/scores.txt").text
        saw["GET / lists scores.txt"] = "scores.txt" in http.get("/").text
        saw["POST /json"] = http.post("/json", json={"score": [7, 1.5, None]}).json()
        saw["POST /json of nonsense"] = http.post("/json", content="{").json()
        for size in [8192, 8193]:
            answer = http.post("/json", content='"' + "x" * (size - 2) + '"')
            saw[f"POST /json of {size} bytes"] = answer.status_code
        saw["POST /form"] = http.post("/form", data={"name": "Ann B", "score": "7"}).json()

        asking = Thread(target=ask)
        asking.start()
        server.log.wait("^held$")
        http.post("/complete")
        asking.join(PATIENCE)

        saw["GET /events"] = follow("/events", b": keepalive\n:\n", lambda: http.post("/close"))
        saw["GET /object"] = follow("/object")
        last = follow("/last", b":\n", lambda: http.post("/stop"))
        saw["GET /last"] = re.fullmatch(rb":\nretry: \d+\n", last) is not None
    return saw


@pytest.fixture(scope="module")
def seen():
    """What the script noted, and what the clients saw."""
    command = [BINARY, "serve", PORT, "--port", 0, "--log-format", "json"]
    server = Server(command, may_log_errors=True)
    try:
        saw = play(server.wait_until_listening())
        return json.loads(server.log.wait(r"^report\s")["message"].split("\t")[1]) | saw
    finally:
        server.clean_up()


@pytest.mark.parametrize("what, value", [*IN_SCRIPT.items(), *AT_CLIENTS.items()], ids=[*IN_SCRIPT, *AT_CLIENTS])
def test_what_a_godot_script_does_gives_what_it_should(seen, what, value):
    assert seen[what] == value


def test_nothing_that_the_godot_script_does_is_left_out(seen):
    assert seen.keys() == IN_SCRIPT.keys() | AT_CLIENTS.keys()


@pytest.mark.parametrize("name", [name for names in NAMES.values() for name in names])
def test_the_godot_script_uses_the_name(name):
    assert re.search(rf"\b{name}\b", (PORT / "main.lua").read_text())


# MARK: the page

PAGE = (ROOT / "docs" / "blazium.md").read_text()
LINES = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
ROWS = [cells for cells in LINES if cells[-1] not in ("shown by", "---", "")]


def is_there(reference):
    """Whether there is a test of the name that the page gives."""
    place, _, name = reference.partition(": ")
    if place == "port":
        return name in IN_SCRIPT or name in AT_CLIENTS
    if place.startswith("test_"):
        return f"def test_{name.replace(' ', '_')}(" in (ROOT / "Tests" / "Foreign" / f"{place}.py").read_text()
    return any(f"func `{name}`(" in file.read_text() for file in (ROOT / "Tests").glob(f"*/{place}.swift"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_of_the_page_names_tests_that_exist(row):
    references = re.findall(r"`([^`]+)`", row[-1])
    assert references
    assert [reference for reference in references if not is_there(reference)] == []


def test_the_page_has_every_name_and_every_weakness():
    text = " ".join(cells[0] for cells in LINES)
    missing = [name for names in NAMES.values() for name in names if not re.search(rf"\b{name}\b", text)]
    assert missing == []
    assert [row[0] for row in ROWS if len(row) == 4] == [str(number) for number in range(1, 19)]
