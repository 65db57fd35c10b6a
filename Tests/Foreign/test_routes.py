"""`mooncast routes`: the routes of a directory, as a table and as JSON."""

import json
import socket

import httpx
import pytest

from support import EXAMPLES, run

MAIN = """local function hello(request, response)
end

HTTPServer.register_route("get", "/", hello)
HTTPServer.register_route("*", "/rooms/{room}/{rest...}", function() end)
require "lib.admin"
HTTPServer.register_route("POST", "/gone", hello)
HTTPServer.unregister_route("POST", "/gone")
HTTPServer.register_route("POST", "/print", print)
"""
ADMIN = 'HTTPServer.register_route("DELETE", "/admin", function()\nend)\n'


@pytest.fixture
def directory(scripts):
    directory = scripts(main=MAIN, z='HTTPServer.register_route("PUT", "/é\\27[2J", function() end)\n')
    (directory / "lib").mkdir()
    (directory / "lib" / "admin.lua").write_text(ADMIN)
    return directory


def test_routes_stand_in_columns_in_the_order_of_their_registration(directory):
    result = run("routes", directory)
    assert (result.returncode, result.stderr) == (0, "")
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["METHOD", "PATH", "SOURCE"]
    assert [row.split()[:2] for row in rows] == [
        ["GET", "/"], ["*", "/rooms/{room}/{rest...}"], ["DELETE", "/admin"], ["POST", "/print"], ["PUT", "/é␛[2J"],
    ]
    assert [row.split()[2] for row in rows][:3] == ["main.lua:1", "main.lua:5", "lib/admin.lua:1"]
    assert {row.index(row.split()[1]) for row in [head, *rows]} == {head.index("PATH")}
    assert {row.index(row.split()[2]) for row in [head, *rows]} == {head.index("SOURCE")}


def test_as_json_they_are_what_a_script_gets(serve, directory):
    result = run("routes", directory, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    routes = json.loads(result.stdout)
    assert routes[2] == {"method": "DELETE", "path": "/admin", "source": "lib/admin.lua", "line": 1}
    told = 'HTTPServer.register_route("GET", "/r", function(q, r) r:set_json(HTTPServer.get_routes()) end)\n'
    (directory / "zz.lua").write_text(told)
    server = serve(directory)
    assert httpx.get(f"{server.url}/r").json()[:-1] == routes


def test_no_routes_are_an_empty_table_and_an_empty_array(scripts):
    directory = scripts(main="")
    assert run("routes", directory).stdout.split() == ["METHOD", "PATH", "SOURCE"]
    assert json.loads(run("routes", directory, "--json").stdout) == []


def test_what_scripts_print_is_not_among_them(scripts):
    directory = scripts(main='print("hello") Log.error("oh") HTTPServer.register_route("GET", "/", print)')
    result = run("routes", directory, "--json")
    assert result.stderr == ""
    assert [route["path"] for route in json.loads(result.stdout)] == ["/"]


@pytest.mark.parametrize("options", [[], ["--json"]], ids=str)
def test_a_directory_that_does_not_load_fails_as_it_fails_check(scripts, options):
    for directory in [scripts(main="local = 5"), scripts(main="error('no')"), "missing", EXAMPLES / "hello" / "public"]:
        result, checked = run("routes", directory, *options), run("check", directory)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == checked.stderr


def test_no_port_is_bound_and_no_ready_runs(scripts):
    with socket.create_server(("127.0.0.1", 0)) as other:
        main = f"""
        assert(HTTPServer.listen({other.getsockname()[1]}, "127.0.0.1") == OK)
        return {{ _ready = function() error("ready") end }}
        """
        result = run("routes", scripts(main=main))
    assert (result.returncode, result.stderr) == (0, "")
