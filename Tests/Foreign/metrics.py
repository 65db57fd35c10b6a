"""Where `serve --metrics` answers: its page as Prometheus' own parser reads it."""

import socket
import time

import httpx
from prometheus_client.parser import text_string_to_metric_families

from support import PATIENCE

PREFIX = "mooncast_"


def free_port(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        return server.getsockname()[1]


class Metrics:
    """What answers at a URL."""

    def __init__(self, port, host="127.0.0.1"):
        self.url = f"http://{host}:{port}"

    def get(self, path="/metrics"):
        return httpx.get(self.url + path, timeout=PATIENCE)

    def status(self, path):
        return self.get(path).status_code

    def families(self):
        return list(text_string_to_metric_families(self.get().text))

    def read(self):
        """The values by name, without `mooncast_`, or by name and label."""
        values = {}
        for family in self.families():
            for sample in family.samples:
                name = sample.name.removeprefix(PREFIX)
                values[(name, *sample.labels.values()) if sample.labels else name] = sample.value
        return values

    def wait_for(self, wanted):
        """The values once these are among them. A function says whether a number is right."""
        deadline = time.monotonic() + PATIENCE
        while True:
            values = self.read()
            wrong = {key: values[key] for key, want in wanted.items() if not is_right(values[key], want)}
            if not wrong:
                return values
            assert time.monotonic() < deadline, f"{wrong} instead of {wanted}"


def is_right(value, wanted):
    return wanted(value) if callable(wanted) else value == wanted


def serve_observed(serve, directory, *options, **rest):
    """A server with `--metrics` on a free port: it, and its metrics."""
    port = free_port()
    return serve(directory, "--metrics", port, *options, **rest), Metrics(port)
