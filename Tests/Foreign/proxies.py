"""nginx, HAProxy and Caddy: Debian's binaries with Debian's settings and one block of configuration.

`scripts/setup test` unpacks them into .venv/proxies. They run as children of the tests, on ports of loopback.
"""

import os
import pwd
import random
import signal
import socket
import subprocess
import time

from support import PATIENCE, ROOT

PLACE = ROOT / ".venv" / "proxies"
KINDS = ("nginx", "haproxy", "caddy")


def replace(text, old, new):
    assert old in text, f"no {old!r} in {text}"
    return text.replace(old, new)


# How a block names the port that it listens on, and how it names another one.
LISTENING = {
    "nginx": ("listen 80;", "listen 127.0.0.1:{};"),
    "haproxy": ("bind :80\n", "bind 127.0.0.1:{}\n"),
    "caddy": (":80 {", ":{} {{"),
}


def moved(kind, text, port, backend):
    """The block with other ports than 80 and 8080."""
    documented, other = LISTENING[kind]
    text = replace(text, documented, other.format(port))
    return replace(text, "127.0.0.1:8080", f"127.0.0.1:{backend}")


def nginx(directory, block):
    """Debian's nginx.conf, but that its paths are below `directory`, with the block as its only site."""
    user = pwd.getpwuid(os.getuid()).pw_name
    text = (PLACE / "etc/nginx/nginx.conf").read_text()
    text = replace(text, "user www-data;", f"user {user};" if os.getuid() == 0 else "")
    text = replace(text, "pid /run/nginx.pid;", f"pid {directory}/nginx.pid;\ndaemon off;")
    text = replace(text, "error_log /var/log/nginx/error.log;", "error_log stderr;")
    text = replace(text, "include /etc/nginx/modules-enabled/*.conf;", "")
    text = replace(text, "access_log /var/log/nginx/access.log;", "access_log off;")
    text = replace(text, "include /etc/nginx/mime.types;", f"include {PLACE}/etc/nginx/mime.types;")
    text = replace(text, "include /etc/nginx/conf.d/*.conf;", "")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in kinds)
    text = replace(text, "include /etc/nginx/sites-enabled/*;", places + block)
    (directory / "nginx.conf").write_text(text)
    return [PLACE / "usr/sbin/nginx", "-p", directory, "-e", "stderr", "-c", directory / "nginx.conf"]


def haproxy(directory, block):
    """The section `defaults` of Debian's haproxy.cfg, and the block."""
    text = (PLACE / "etc/haproxy/haproxy.cfg").read_text()
    defaults = replace(text[text.index("\ndefaults\n") :], "/etc/haproxy", str(PLACE / "etc/haproxy"))
    (directory / "haproxy.cfg").write_text(f"global\n{defaults}\n{block}")
    return [PLACE / "usr/sbin/haproxy", "-db", "-f", directory / "haproxy.cfg"]


def caddy(directory, block):
    """The block, and nothing that other processes or the network would notice."""
    (directory / "Caddyfile").write_text(f"{{\n  admin off\n  default_bind 127.0.0.1\n}}\n{block}")
    return [PLACE / "usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", directory / "Caddyfile"]


PROGRAMS = {"nginx": nginx, "haproxy": haproxy, "caddy": caddy}
CHECKS = {"nginx": ["-t"], "haproxy": ["-c"], "caddy": []}


def environment(directory):
    """Caddy keeps its state in the home directory."""
    return os.environ | {"HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}


def check(kind, text, directory):
    """Lets the proxy itself say whether the block is good."""
    command = [str(word) for word in PROGRAMS[kind](directory, text)]
    command = [command[0], "validate", *command[2:]] if kind == "caddy" else [*command, *CHECKS[kind]]
    result = subprocess.run(
        command, env=environment(directory), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
    )
    assert result.returncode == 0, f"{kind}: {result.stdout}{result.stderr}"


def free_port():
    """A port that nobody has, below those that the kernel gives to whoever asks for any."""
    while True:
        port = random.randrange(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Proxy:
    """A running proxy in front of `server`. `port` is where it listens."""

    def __init__(self, kind, block, server, directory):
        self.kind = kind
        self.server = server
        self.port = free_port()
        command = PROGRAMS[kind](directory, moved(kind, block, self.port, server.port))
        self.output = directory / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                env=environment(directory),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_listening()
        except BaseException:
            self.close()
            raise

    def _wait_until_listening(self):
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, f"it ended: {self.output.read_text()}"
            assert time.monotonic() < deadline, f"it does not listen: {self.output.read_text()}"
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            if self.process.returncode is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
