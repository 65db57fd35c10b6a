"""Fixtures: servers that are stopped again, and script directories from strings.

The binary is `.build/release/mooncast`, or what the environment variable MOONCAST names.
"""

from contextlib import ExitStack, closing

import pytest

from cluster import SCRIPT as NODE, Cluster, Stream
from redis_server import RedisServers
from streams import ScriptedServer, Tail
from support import BINARY, Client, Server


def pytest_configure():
    if not BINARY.is_file():
        raise pytest.UsageError(
            f"no server at {BINARY}: build it (swift build -c release), or set MOONCAST to its path"
        )


def pytest_collection_modifyitems(items):
    """Tests of what takes long by itself come last: it has gone on while the others ran."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture
def scripts(tmp_path):
    """`scripts(main="…")` writes main.lua into a new directory and gives its path."""
    made = []

    def make(**files):
        directory = tmp_path / f"scripts{len(made)}"
        directory.mkdir()
        made.append(directory)
        for name, text in files.items():
            (directory / f"{name}.lua").write_text(text)
        return directory

    return make


@pytest.fixture
def launch():
    """`launch(command)` starts any command that ends up as a server, and stops it after the test."""
    with ExitStack() as servers:

        def start(command, **options):
            server = Server(command, **options)
            servers.callback(server.clean_up)
            return server

        yield start


@pytest.fixture
def connect():
    """`connect(server, path)` opens a `Client`, and closes it after the test."""
    with ExitStack() as clients:
        yield lambda *arguments, **options: clients.enter_context(closing(Client(*arguments, **options)))


@pytest.fixture
def serve(launch):
    """`serve(directory, *options)` starts a server on a free port and waits until it listens."""

    def start(directory, *options, port=0, prefix=(), **rest):
        command = [*prefix, BINARY, "serve", directory, "--port", port, "--log-format", "json", *options]
        return launch(command, **rest).wait_until_listening()

    return start


@pytest.fixture
def answers():
    """`answers(first, second)` starts a server that gives these answers, and stops it after the test."""
    with ExitStack() as servers:
        yield lambda *answers, **options: servers.enter_context(closing(ScriptedServer(*answers, **options)))


@pytest.fixture
def tail():
    """`tail(url, *options)` starts `mooncast tail`, and kills it after the test."""
    with ExitStack() as tails:

        def start(url, *options):
            tail = Tail(url, *options)
            tails.callback(tail.clean_up)
            return tail

        yield start


@pytest.fixture
def redis_servers(tmp_path):
    """`redis_servers(**options)` starts a `RedisServer`, `redis_servers.fake(server)` a proxy in front; both end after
    the test."""
    with ExitStack() as stack:
        servers = RedisServers(tmp_path)
        stack.callback(servers.clean_up)
        yield servers


@pytest.fixture
def cluster(serve, scripts):
    """`cluster.node(url)` starts a node of the Redis at this URL."""
    return Cluster(serve, scripts(main=NODE))


@pytest.fixture
def listen():
    """`listen(node, channels)` opens a `Stream`, and closes it after the test."""
    with ExitStack() as streams:
        yield lambda *arguments, **options: streams.enter_context(closing(Stream(*arguments, **options)))
