"""A real Redis that can be harmed, a proxy that spoils its answers, and a client that asks it.

`scripts/setup test` unpacks Debian's binaries into .venv/redis. They run as children of the tests, on ports of loopback.
"""

import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from proxies import free_port
from support import PATIENCE, ROOT

PLACE = ROOT / ".venv" / "redis" / "usr" / "bin"
LOOPBACK = "127.0.0.1"


class RedisError(Exception):
    """What Redis answers after a minus sign."""


class RedisClient:
    """A connection that asks and waits. It speaks RESP2."""

    def __init__(self, port, context=None, timeout=PATIENCE):
        self._socket = socket.create_connection((LOOPBACK, port), timeout)
        if context:
            self._socket = context.wrap_socket(self._socket, server_hostname="localhost")
        self._file = self._socket.makefile("rb")

    def __call__(self, *words):
        self.send(*words)
        return self.reply()

    def send(self, *words):
        self._socket.sendall(encode(*words))

    def reply(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"Redis ended the connection after {line}")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b"+":
            return rest
        number = int(rest)
        if kind == b":":
            return number
        if number < 0:
            return None
        if kind == b"$":
            text = self._file.read(number + 2)
            if len(text) < number + 2:
                raise ConnectionError(f"Redis ended the connection within an answer, after {text}")
            return text[:-2]
        assert kind == b"*", line
        return [self.reply() for _ in range(number)]

    def close(self):
        self._file.close()
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def encode(*words):
    """A command as it goes over the wire."""
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


class RedisServer:
    """A redis-server on a port of its own, with its files below `directory`.

    `settings` are those of redis.conf, their names with underscores. With `persistent` what it has acknowledged survives
    a kill; `tls` is a certificate and its key; `file` is a redis.conf to begin with.
    """

    def __init__(
        self, directory, *, persistent=False, tls=None, password=None, replica_of=None, file=None, **settings
    ):
        self.directory = Path(directory)
        self.port = free_port()
        self.password = password
        self.tls = tls
        self._file = [file] if file else []
        port = {"tls_port": self.port, "port": 0} if tls else {"port": self.port}
        files = {"tls_cert_file": tls[0], "tls_key_file": tls[1], "tls_auth_clients": "no"} if tls else {}
        # Written before it is acknowledged, which is all that a killed process needs.
        log = {"appendonly": "yes" if persistent else "no", "appendfsync": "no"}
        self._settings = {"bind": LOOPBACK, "dir": self.directory, "save": "", "repl_diskless_sync_delay": 0}
        self._settings |= port | files | log | ({"requirepass": password} if password else {})
        if replica_of:
            self._settings["replicaof"] = f"{LOOPBACK} {replica_of.port}"
        self._settings |= settings
        self._start()

    def url(self, *, password=None, scheme=None, query=""):
        """How a script names it."""
        password = password or self.password
        scheme = scheme or ("rediss" if self.tls else "redis")
        return f"{scheme}://{f':{password}@' if password else ''}{'localhost' if self.tls else LOOPBACK}:{self.port}{query}"

    # MARK: asking it

    def connect(self, timeout=PATIENCE):
        context = ssl.create_default_context(cafile=self.tls[0]) if self.tls else None
        client = RedisClient(self.port, context, timeout)
        if self.password:
            client("AUTH", self.password)
        return client

    def __call__(self, *words):
        """Its answer to one command."""
        with self.connect() as client:
            return client(*words)

    def info(self, section):
        lines = self("INFO", section).decode().split("\r\n")
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def is_ready(self):
        try:
            return self("PING") == b"PONG"
        except (OSError, RedisError):
            return False

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"redis-server ended:\n{self.output()}"
            assert time.monotonic() < deadline, f"{what} did not happen:\n{self.output()}"
            time.sleep(0.01)

    def output(self):
        return (self.directory / "output").read_text(errors="replace")

    # MARK: harming it

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self, *, keep=True, wait=True):
        """Again on the same port; without `keep` with nothing of its data."""
        if self.process.poll() is None:
            self.kill()
        if not keep:
            for path in self.directory.iterdir():
                if path.name != "output":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._start(wait=wait)

    def stop_process(self):
        self.process.send_signal(signal.SIGSTOP)

    def continue_process(self):
        self.process.send_signal(signal.SIGCONT)

    def clean_up(self):
        """Also of one that is stopped."""
        if self.process.poll() is None:
            self.kill()

    def _start(self, wait=True):
        self.directory.mkdir(exist_ok=True)
        words = []
        for name, value in self._settings.items():
            words += [f"--{name.replace('_', '-')}", *(str(value).split(" ") if value != "" else [""])]
        with (self.directory / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [PLACE / "redis-server", *self._file, *words], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        if wait:
            try:
                self.wait_until(self.is_ready, "its start")
            except BaseException:
                self.clean_up()
                raise


class FakeRedis:
    """A proxy in front of a Redis. Nothing is spoilt until a test asks for it."""

    def __init__(self, port):
        self.target = port
        self._socket = socket.create_server((LOOPBACK, 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"redis://{LOOPBACK}:{self.port}"
        self._lock = threading.Lock()
        self._links = []
        self.accepted = 0
        self.heal()
        threading.Thread(target=self._accept, daemon=True).start()

    # MARK: what a test asks for

    def heal(self):
        """Everything passes from now on."""
        self._error = self._torn = None
        self._names = ()
        self._is_silent = False

    def answer(self, error, *names):
        """From now on these commands (without names: all) get this error, in their turn, and do not reach Redis."""
        self._names = {name.upper().encode() for name in names}
        self._error = error

    def be_silent(self):
        """Commands still reach Redis, its answers no one, new connections as well. What lost an answer stays silent."""
        self._is_silent = True

    def tear(self, pattern):
        """Of the next piece that has the bytes `pattern` in it, half arrives, up to the middle of these."""
        self._torn = pattern

    def is_torn(self):
        return self._torn is None

    def inject(self, garbage):
        """Sends this to whoever is connected; returns to how many. Where nothing is under way it stands between answers."""
        with self._lock:
            links = list(self._links)
        for near, _ in links:
            with suppress(OSError):
                near.sendall(garbage)
        return len(links)

    def cut(self):
        """Resets what is open."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            self._reset(link)

    def close(self):
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()

    # MARK: the proxy

    def _accept(self):
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            try:
                far = socket.create_connection((LOOPBACK, self.target))
            except OSError:
                near.close()
                continue
            link = (near, far)
            for side in link:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._links.append(link)
            for work in (self._commands, self._answers):
                threading.Thread(target=self._run, args=(work, link), daemon=True).start()

    def _run(self, work, link):
        with suppress(OSError):
            work(*link)
        with self._lock, suppress(ValueError):
            self._links.remove(link)
        for side in link:
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()

    def _commands(self, near, far):
        unread = b""
        while piece := near.recv(65536):
            unread += piece
            while end := end_of_command(unread):
                command, unread = unread[:end], unread[end:]
                far.sendall(self._instead_of(command))

    def _instead_of(self, command):
        """Redis itself says the error, so that it stands where the answer would."""
        name = command.split(b"\r\n", 3)[2].upper()
        if self._error is None or (self._names and name not in self._names):
            return command
        return encode("EVAL", "return redis.error_reply(ARGV[1])", 0, self._error)

    def _answers(self, near, far):
        has_lost = False
        while piece := far.recv(65536):
            has_lost |= self._is_silent
            if has_lost:  # what comes later would stand in the wrong place
                continue
            torn = self._torn
            if torn and torn in piece:
                self._torn = None
                near.sendall(piece[: piece.index(torn) + len(torn) // 2])
                return
            near.sendall(piece)

    def _reset(self, link):
        for side in link:
            with suppress(OSError):
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                side.shutdown(socket.SHUT_RDWR)
            side.close()


def end_of_command(data):
    """Where the first command in `data` ends; None while it is not whole."""
    line, end, _ = data.partition(b"\r\n")
    if not end:
        return None
    assert line.startswith(b"*"), f"no command: {data[:100]}"
    place = len(line) + 2
    for _ in range(int(line[1:])):
        line, end, _ = data[place : place + 20].partition(b"\r\n")
        if not end:
            return None
        place += len(line) + 2 + int(line[1:]) + 2
    return place if place <= len(data) else None


class RedisServers:
    """Starts servers and proxies, and ends them."""

    def __init__(self, directory):
        self._directory = directory
        self._numbers = count()
        self._made = []

    def __call__(self, **options):
        server = RedisServer(self._directory / f"redis{next(self._numbers)}", **options)
        self._made.append(server.clean_up)
        return server

    def fake(self, server):
        fake = FakeRedis(server.port)
        self._made.append(fake.close)
        return fake

    def clean_up(self):
        while self._made:
            self._made.pop()()
