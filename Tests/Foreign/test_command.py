"""The command `mooncast`: what it says, and how it fails."""

import os
import re
import socket
import subprocess

import httpx
import pytest

from support import BINARY, EXAMPLES, run

# MARK: help


def test_version_is_one_line():
    result = run("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(r"mooncast \d+\.\d+\.\d+\n", result.stdout)


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["--help"], ["mooncast serve", "mooncast check", "mooncast routes", "mooncast tail", "--version", "--help"]),
        (["help"], ["mooncast serve", "mooncast check"]),
        (
            ["serve", "--help"],
            ["--host", "--port", "--threads", "--max-connections", "--shutdown-timeout", "--log-level", "--log-format",
             "--metrics", "--trusted-proxy", "--dev"],
        ),
        (["help", "serve"], ["--port", "default: 8080", "default: 127.0.0.1", "SIGTERM", "DIR/public"]),
        (["check", "--help"], ["<directory>", "first error", "Exit code 1"]),
        (["routes", "--help"], ["<directory>", "--json", "Exit code 1"]),
        (
            ["tail", "--help"],
            ["<url>", "--json", "--raw", "--last-event-id", "--header", "--count", "--cacert", "--insecure", "204"],
        ),
    ],
    ids=" ".join,
)
def test_help_lists_what_there_is(arguments, named):
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    flowing = " ".join(result.stdout.split())
    assert [text for text in named if text not in flowing] == []


@pytest.mark.parametrize("command", ["serve", "check", "routes", "tail"])
def test_help_explains_every_option_and_argument(command):
    lines = run(command, "--help").stdout.splitlines()
    entries = [index for index, line in enumerate(lines) if re.match(r"  (-|<)", line)]
    assert entries
    for index in entries:
        text = re.sub(r"^  (?:<[^>]+>|(?:-\w, )?--[\w-]+(?:/--[\w-]+)?(?: \[?<[^>]+>\]?)?)", "", lines[index]) or lines[index + 1]
        assert len(text.split()) >= 3, f"no explanation: {lines[index]!r}"


@pytest.mark.parametrize("arguments", [[], ["serve"], ["check"], ["routes"], ["tail"]], ids=" ".join)
def test_help_fits_a_terminal(arguments):
    lines = run(*arguments, "--help").stdout.splitlines()
    assert [line for line in lines if len(line) > 80 and not line.startswith("USAGE: ")] == []


# MARK: failures to start

SYNTAX = 'print("fine")\nlocal = 5\n'
LOAD = "local settings = nil\n\nprint(settings.name)\n"
ENDLESS = "local n = 0\nwhile true do n = n + 1 end\n"


@pytest.fixture
def place(tmp_path):
    """A directory with everything that cannot be served."""
    for name, text in {
        "syntax": SYNTAX,
        "load": LOAD,
        "endless": ENDLESS,
        "good": "print('loaded')\n",
        "unreadable": "",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.lua").write_text(text)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "only-skipped").mkdir()
    for name in ("_off.lua", ".hidden.lua", "chat_test.lua", "notes.txt"):
        (tmp_path / "only-skipped" / name).write_text("")
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "unreadable" / "main.lua").chmod(0)
    yield tmp_path
    (tmp_path / "closed").chmod(0o700)


# Root may read everything; without its capabilities it is like anybody else.
AS_ANYBODY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []

BAD_DIRECTORIES = {
    "missing": ["'missing'", "no such file or directory"],
    "empty": ["empty'", "no script", ".lua"],
    "only-skipped": ["only-skipped'", "no script", ".lua"],
    "file": ["'file'", "not a directory"],
    "closed": ["closed'", "permission denied"],
    "unreadable": ["main.lua", "permission denied"],
    "syntax": ["main.lua:2:", "'='", "2 | local = 5"],
    "load": ["main.lua:3:", "nil value (local 'settings')", "3 | print(settings.name)"],
    "endless": ["main.lua:2:", "time budget", "2 | while true do n = n + 1 end"],
}


def check_failure(result, named):
    assert result.stdout == ""
    assert "Fatal error" not in result.stderr and "Thread 0" not in result.stderr and "Stack dump" not in result.stderr
    counts = {text: result.stderr.lower().count(text.lower()) for text in named}
    assert counts == dict.fromkeys(named, 1), f"each is to be said exactly once:\n{result.stderr}"


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["check"], ["routes"]], ids=lambda command: command[0])
@pytest.mark.parametrize("name, named", BAD_DIRECTORIES.items(), ids=BAD_DIRECTORIES)
def test_a_directory_that_cannot_be_served_is_named_once_with_the_reason(place, command, name, named):
    result = subprocess.run(
        [*AS_ANYBODY, BINARY, *command, name],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=20,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 1
    check_failure(result, named)


def test_a_script_that_fails_later_than_the_first_is_named(scripts):
    result = run("serve", scripts(a="print('a')", b="error('b is broken')", c="print('c')"), "--port", 0)
    assert result.returncode == 1
    check_failure(result, ["b.lua:1: b is broken", "1 | error('b is broken')"])
    assert "INFO a" in result.stderr and "INFO c" not in result.stderr


def test_a_ready_that_fails_keeps_the_server_from_starting(scripts):
    result = run("serve", scripts(main="return {\n  _ready = function() error('not today') end\n}\n"), "--port", 0)
    assert result.returncode == 1
    check_failure(result, ["main.lua:2: not today", "2 | _ready = function()"])
    assert "listening" not in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "*"])
def test_a_port_that_another_process_has_is_named(scripts, host):
    with socket.create_server(("127.0.0.1" if host != "*" else "", 0)) as other:
        port = other.getsockname()[1]
        result = run("serve", scripts(main=""), "--host", host, "--port", port)
    assert result.returncode == 1
    check_failure(result, [f"port {port} on {host} is in use"])
    assert len(result.stderr.splitlines()) == 1


def test_a_port_that_another_mooncast_has_is_named_and_the_other_goes_on(serve, scripts):
    first = serve(EXAMPLES / "hello")
    result = run("serve", scripts(main=""), "--port", first.port)
    assert result.returncode == 1
    check_failure(result, [f"port {first.port} on 127.0.0.1 is in use"])
    assert httpx.get(first.url).status_code == 200


@pytest.mark.parametrize("host", ["no.such.host.invalid", "300.1.1.1", "203.0.113.77"])
def test_an_address_that_is_not_of_this_machine_is_named(scripts, host):
    result = run("serve", scripts(main=""), "--host", host, "--port", 0)
    assert result.returncode == 1
    check_failure(result, [host])
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments, named",
    [
        (["serve", "good", "--port", "99999"], ["--port must be", "99999"]),
        (["serve", "good", "--port=-1"], ["--port must be", "got -1"]),
        (["serve", "good", "--port", "http"], ["'http'"]),
        (["serve", "good", "--port"], ["Missing value for '--port"]),
        (["serve", "good", "--threads", "0"], ["--threads must be", "got 0"]),
        (["serve", "good", "--threads", "many"], ["'many'"]),
        (["serve", "good", "--shutdown-timeout=-1"], ["--shutdown-timeout must be"]),
        (["serve", "good", "--shutdown-timeout", "nan"], ["--shutdown-timeout must be"]),
        (["serve", "good", "--trusted-proxy", "10.0.0.1/8"], ["--trusted-proxy must be", "got '10.0.0.1/8'"]),
        (["serve", "good", "--trusted-proxy", "::1", "--trusted-proxy", "proxy"], ["--trusted-proxy must be", "'proxy'"]),
        (["serve", "good", "--log-format", "xml"], ["'xml'", "'text' and 'json'"]),
        (["serve", "good", "--log-level", "loud"], ["'loud'", "  - warning"]),
        (["serve", "good", "--prot", "1"], ["Unknown option '--prot'", "'--port'"]),
        (["serve", "good", "--unknown"], ["'--unknown'"]),
        (["serve"], ["Missing expected argument '<directory>'"]),
        (["serve", "good", "more"], ["'more'"]),
        (["check"], ["Missing expected argument '<directory>'"]),
        (["check", "good", "--port", "1"], ["'--port'"]),
        (["routes"], ["Missing expected argument '<directory>'"]),
        (["tail"], ["Missing expected argument '<url>'"]),
        (["tail", "localhost:8080"], ["'localhost:8080' must begin with http:// or https://"]),
        (["tail", "http://a", "--json", "--raw"], ["--json and --raw exclude each other"]),
        (["tail", "http://a", "--count", "0"], ["--count must be at least 1"]),
        (["tail", "http://a", "--header", "X"], ["--header 'X' must be 'Name: value'"]),
        (["sevre", "good"], ["'sevre'"]),
    ],
    ids=lambda value: " ".join(value) if "good" in value or len(value) == 1 else "",
)
def test_a_bad_command_line_is_told_once_and_points_to_help(place, arguments, named):
    result = subprocess.run([BINARY, *arguments], cwd=place, capture_output=True, text=True, timeout=20)
    assert result.returncode != 0
    check_failure(result, named)
    first, *rest = result.stderr.splitlines()
    assert first.startswith("Error: ")
    assert all(line.startswith(("Help:", "Usage:", "  See 'mooncast ", "  - ")) for line in rest), (
        "an error is one line, the rest is help"
    )


# MARK: check


@pytest.mark.parametrize(
    "files, said", [({"main": ""}, "1 script loaded"), ({"a": "", "b": "", "_c": "x="}, "2 scripts loaded")]
)
def test_check_says_that_a_good_directory_loads(scripts, files, said):
    result = run("check", scripts(**files))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1 and said in result.stdout


def test_check_binds_no_port_and_runs_no_ready(scripts):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        main = f"""
        assert(HTTPServer.listen({port}, "127.0.0.1") == OK)
        assert(HTTPServer.get_port() == {port})
        return {{ _ready = function() error("ready") end }}
        """
        result = run("check", scripts(main=main))
    assert (result.returncode, result.stderr) == (0, "")


# MARK: options


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "*"])
def test_host_is_the_address_that_is_listened_on(serve, scripts, host):
    server = serve(scripts(main="HTTPServer.listen(1, '203.0.113.77')"), "--host", host)
    assert httpx.get(f"http://127.0.0.1:{server.port}/").status_code == 404


@pytest.mark.parametrize(
    "options, host, client",
    [
        (["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "127.0.0.1"], "127.0.0.1", "203.0.113.9 https"),
        (["--trusted-proxy", "127.0.0.1"], "*", "203.0.113.9 https"),
        (["--trusted-proxy", "10.0.0.0/8"], "*", "127.0.0.1 http"),
        ([], "127.0.0.1", "127.0.0.1 http"),
    ],
    ids=["one of two", "over IPv6's socket", "another", "none"],
)
def test_a_trusted_proxy_says_who_the_client_is(serve, scripts, options, host, client):
    main = """
    HTTPServer.register_route("GET", "/", function(request, response)
      response.body = request.client_ip .. " " .. request.scheme
    end)
    """
    server = serve(scripts(main=main), "--host", host, *options)
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
    assert httpx.get(f"http://127.0.0.1:{server.port}/", headers=headers).text == client


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_every_number_of_threads_serves(serve, threads):
    server = serve(EXAMPLES / "hello", "--threads", threads)
    for _ in range(2 * threads):
        assert "Hello from Lua" in httpx.get(server.url).text


@pytest.mark.parametrize("level, shown", [("debug", "dine"), ("info", "ine"), ("warning", "ne"), ("error", "e")])
def test_log_level_is_the_least_that_is_logged(launch, scripts, level, shown):
    main = """
    HTTPServer.server_started:connect(function(port)
      Log.debug("d") Log.info("i") Log.warn("n") Log.error("e")
    end)
    """
    # Above info the server does not say that it listens.
    command = [BINARY, "serve", scripts(main=main), "--port", 0, "--log-format", "json", "--log-level", level]
    server = launch(command, may_log_errors=True)
    server.log.wait("^e$")
    server.stop()
    assert "".join(record["message"] for record in server.log.records if len(record["message"]) == 1) == shown
