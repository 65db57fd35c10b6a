"""The settings of `serve`: options, environment, mooncast.toml, and which one counts."""

import json
import re
import socket

import httpx
import pytest

from metrics import Metrics, free_port
from support import BINARY, ROOT, run
from test_command import AS_ANYBODY, check_failure

# A value that is none, for each setting.
NONSENSE = {"host": "", "tls-key": "", "tls-certificate": "", "dev": "maybe"}


def options():
    """The options of `serve` as its own help has them: name, text."""
    help = json.loads(run("serve", "--experimental-dump-help").stdout)
    found = {}
    for argument in help["command"]["arguments"]:
        if argument["kind"] in ("option", "flag"):
            name = argument["preferredName"]["name"]
            found[name.removeprefix("no-")] = argument.get("abstract", "")
    return {name: text for name, text in found.items() if name not in ("help", "version", "json")}


OPTIONS = options()


def variable(name):
    return "MOONCAST_" + name.upper().replace("-", "_")


def key(name):
    return name.replace("-", "_")


def environment(**values):
    """A prefix that sets variables."""
    return ["env", *(f"{variable(name)}={value}" for name, value in values.items())]


@pytest.fixture
def with_file(scripts):
    """`with_file(text)` gives a directory with this mooncast.toml."""

    def make(text, main=""):
        directory = scripts(main=main)
        (directory / "mooncast.toml").write_text(text)
        return directory

    return make


# MARK: every option


def test_there_are_options():
    assert {"host", "port", "log-level", "dev"} <= OPTIONS.keys()


# An empty variable counts as unset.
@pytest.mark.parametrize("name", [name for name in OPTIONS if NONSENSE.get(name) != ""])
def test_every_option_is_a_variable(scripts, name):
    value = NONSENSE.get(name, "no-such-value")
    result = run("serve", scripts(main=""), prefix=["env", f"{variable(name)}={value}"])
    assert result.returncode == 1
    check_failure(result, [f"mooncast: {variable(name)}: expected ", f"got '{value}'"])
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["serve", "check", "routes"])
@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_a_key(with_file, name, command):
    value = NONSENSE.get(name, "no-such-value")
    result = run(command, with_file(f"# about\n{key(name)} = '{value}'\n"))
    assert result.returncode == 1
    check_failure(result, [f"mooncast: mooncast.toml:2: {key(name)}: expected ", f'got the string "{value}"'])
    assert len(result.stderr.splitlines()) == 1


def test_the_document_has_every_option_and_no_other():
    text = (ROOT / "docs" / "operating.md").read_text()
    rows = re.findall(r"^\| `--([\w-]+)` \| `(\w+)` \| `(\w+)` \|", text, re.M)
    assert [name for name, _, _ in rows] == list(OPTIONS)
    assert rows == [(name, variable(name), key(name)) for name in OPTIONS]


def test_help_tells_of_the_other_ways():
    text = " ".join(run("serve", "--help").stdout.split())
    for words in ["MOONCAST_SHUTDOWN_TIMEOUT", "mooncast.toml", "shutdown_timeout"]:
        assert words in text


# MARK: precedence


@pytest.fixture
def port_of(launch):
    """`port_of(directory, prefix, *options)` is the port that is listened on."""

    def start(directory, prefix, *options):
        command = [*prefix, BINARY, "serve", directory, "--log-format", "json", *options]
        return launch(command).wait_until_listening().port

    return start


def test_options_win_over_the_environment_which_wins_over_the_file(port_of, with_file):
    first, second, third = free_port(), free_port(), free_port()
    directory = with_file(f"port = {first}\n")
    assert port_of(directory, []) == first
    assert port_of(directory, environment(port=second)) == second
    assert port_of(directory, environment(port=second), "--port", third) == third


def test_the_file_wins_over_what_scripts_say(port_of, with_file):
    port = free_port()
    assert port_of(with_file(f"port = {port}\n", main="HTTPServer.listen(1, '127.0.0.1')"), []) == port


def test_an_empty_variable_counts_as_unset(port_of, with_file):
    port = free_port()
    assert port_of(with_file(f"port = {port}\n"), environment(port="", host="", dev="")) == port


# MARK: effects


def test_the_file_sets_what_options_set(launch, with_file):
    port, metrics = free_port(), free_port()
    text = f"""
    host = "localhost"
    port = {port}
    threads = 3
    max_connections = 50
    max_connections_per_ip = 1
    shutdown_timeout = 0.5
    log_level = "debug"
    log_format = "json"
    metrics = {metrics}
    dev = true
    """
    main = """
    Log.debug("said")
    HTTPServer.register_route("GET", "/", function() error("shown") end)
    """
    server = launch([BINARY, "serve", with_file(text, main)], may_log_errors=True).wait_until_listening()
    assert server.port == port
    assert server.log.wait("^said$")["level"] == "debug"
    assert Metrics(metrics).status("/healthz") == 200
    with httpx.Client() as client:
        page = client.get(f"http://127.0.0.1:{port}/")
        assert page.status_code == 500 and "shown" in page.text
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 429


def test_the_environment_sets_what_options_set(launch, scripts):
    port, metrics = free_port(), free_port()
    prefix = environment(
        **{"host": "127.0.0.1", "port": port, "threads": 3, "max-connections": 50, "max-connections-per-ip": 1,
           "shutdown-timeout": 0.5, "log-level": "debug", "log-format": "json", "metrics": metrics, "dev": 1}
    )
    main = """
    Log.debug("said")
    HTTPServer.register_route("GET", "/", function() error("shown") end)
    """
    server = launch([*prefix, BINARY, "serve", scripts(main=main)], may_log_errors=True).wait_until_listening()
    assert server.port == port
    assert server.log.wait("^said$")["level"] == "debug"
    assert Metrics(metrics).status("/healthz") == 200
    with httpx.Client() as client:
        page = client.get(f"http://127.0.0.1:{port}/")
        assert page.status_code == 500 and "shown" in page.text
        assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 429


def test_a_switch_can_be_turned_off_again(serve, with_file):
    main = "HTTPServer.register_route('GET', '/', function() error('shown') end)"
    server = serve(with_file("dev = true", main), "--no-dev", may_log_errors=True)
    assert "shown" not in httpx.get(server.url).text


@pytest.mark.parametrize("place", ["--metrics", "MOONCAST_METRICS", "mooncast.toml:1: metrics"])
def test_an_address_that_is_not_free_names_where_it_was_given(with_file, place):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        directory = with_file(f"metrics = {port}" if "toml" in place else "")
        prefix = environment(metrics=port) if "MOON" in place else []
        arguments = ["--metrics", port] if "--" in place else []
        result = run("serve", directory, "--port", 0, *arguments, prefix=prefix)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"mooncast: {place}: port {port} on 127.0.0.1 is in use"


# MARK: what is no setting


def test_an_unknown_variable_is_a_warning_and_the_server_serves(serve, scripts):
    server = serve(scripts(main=""), prefix=["env", "MOONCAST_PROT=1", "MOONCAST_SERVICE_HOST=10.0.0.1"])
    messages = [record["message"] for record in server.log.records if record.get("level") == "warning"]
    assert messages == [
        "MOONCAST_PROT in the environment is no setting; did you mean MOONCAST_PORT?",
        "MOONCAST_SERVICE_HOST in the environment is no setting",
    ]


@pytest.mark.parametrize("command", [["serve", "--port", 0], ["check"], ["routes"]], ids=lambda words: words[0])
@pytest.mark.parametrize(
    "text, named",
    [
        ("port = 1\nprot = 2\n", ["mooncast.toml:2: unknown key 'prot'; did you mean 'port'?"]),
        ("[serve]\nport = 1\n", ["mooncast.toml:1: unknown table"]),
        ("port = \n", ["mooncast.toml:1: "]),
        ("port = 1\nport = 2\n", ["mooncast.toml:2: "]),
        ("[=", ["mooncast.toml:1: unknown table"]),
        ("port = 'a\n", ["mooncast.toml:1: "]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_with_a_mistake_is_refused_with_its_line(with_file, command, text, named):
    result = run(*command, with_file(text))
    assert result.returncode == 1
    check_failure(result, [f"mooncast: {words}" for words in named])
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_cannot_be_read_is_named(with_file):
    directory = with_file("")
    (directory / "mooncast.toml").chmod(0)
    result = run("serve", directory, prefix=AS_ANYBODY)
    assert result.returncode == 1
    check_failure(result, ["mooncast.toml: permission denied"])


def test_a_file_that_is_not_utf_8_is_named(scripts):
    directory = scripts(main="")
    (directory / "mooncast.toml").write_bytes(b"host = '\xff'\n")
    check_failure(run("serve", directory), ["mooncast.toml: not UTF-8"])


# MARK: what the file is not


@pytest.mark.parametrize("path", ["/mooncast.toml", "/../mooncast.toml", "/..%2Fmooncast.toml", "/public/../mooncast.toml"])
def test_the_file_is_not_served(serve, with_file, path):
    directory = with_file("log_level = 'info'\n")
    (directory / "public").mkdir()
    (directory / "public" / "index.html").write_text("hello")
    server = serve(directory)
    assert httpx.get(server.url).text == "hello"
    assert httpx.get(server.url + path).status_code == 404


def test_the_file_is_no_script(with_file, tmp_path):
    assert "1 script loaded" in run("check", with_file("port = 1\n")).stdout
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "mooncast.toml").write_text("port = 1\n")
    result = run("check", tmp_path / "alone")
    assert result.returncode == 1 and "no script" in result.stderr
