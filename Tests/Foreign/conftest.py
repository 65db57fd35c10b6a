"""Fixtures: servers that are stopped again, and script directories from strings.

The binary is `.build/release/mooncast`, or what the environment variable MOONCAST names.
"""

import pytest
from support import BINARY, Server


def pytest_configure():
    if not BINARY.is_file():
        raise pytest.UsageError(f"no server at {BINARY}: build it (swift build -c release), or set MOONCAST to its path")


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
    servers = []

    def start(command, **options):
        servers.append(Server(command, **options))
        return servers[-1]

    yield start
    failures = []
    for server in servers:
        try:
            server.clean_up()
        except AssertionError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture
def serve(launch):
    """`serve(directory, *options)` starts a server on a free port and waits until it listens."""

    def start(directory, *options, port=0, prefix=(), **rest):
        command = [*prefix, BINARY, "serve", directory, "--port", port, "--log-format", "json", *options]
        return launch(command, **rest).wait_until_listening()

    return start
