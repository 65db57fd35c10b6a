"""The server as a process, and a client that sees every byte."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
BINARY = ROOT / os.environ.get("MOONCAST", ".build/release/mooncast")
PATIENCE = 20  # seconds for what should take moments


class Log:
    """The lines of a pipe as they come: JSON objects, or `{"message": line}` for any other line."""

    def __init__(self, pipe):
        self.lines = []
        self.records = []
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def _read(self, pipe):
        for line in pipe:
            line = line.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                self.lines.append(line)
                self.records.append(parse_line(line))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait(self, pattern, count=1, timeout=PATIENCE):
        """The `count`-th record whose message, or reason, matches; fails when the process ends or is silent before it."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = self.find(pattern)
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    state = "the process ended" if self._ended else f"{timeout} s passed"
                    raise AssertionError(f"{state} without {count} x {pattern!r} in the log:\n{self}")
                self._changed.wait(left)

    def find(self, pattern):
        return [
            record
            for record in self.records
            if re.search(pattern, record["message"]) or re.search(pattern, record.get("reason", ""))
        ]

    def finish(self):
        self._reader.join(PATIENCE)

    def __str__(self):
        return "\n".join(self.lines)


def parse_line(line):
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    return record if isinstance(record, dict) and "message" in record else {"message": line}


class Server:
    """A running server. `url` is where it listens; `log` is what it wrote to standard error."""

    def __init__(self, command, *, may_log_errors=False):
        self.may_log_errors = may_log_errors
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        self.log = Log(self.process.stderr)

    def wait_until_listening(self, timeout=PATIENCE):
        record = self.log.wait("^listening$", timeout=timeout)
        self.url = record["url"]
        self.port = urlsplit(self.url).port
        return self

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        """The exit code, once everything that was logged is read."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout} s:\n{self.log}") from None
        self.log.finish()
        assert self.process.stdout.read() == b"", "serve writes to standard error only"
        return code

    def stop(self, number=signal.SIGTERM):
        """Stops it as an operator does. It must end by itself, with exit code 0 and a clean log."""
        self.send_signal(number)
        code = self.wait()
        assert code == 0, f"exit code {code}:\n{self.log}"
        assert "Fatal error" not in str(self.log)
        errors = [record for record in self.log.records if record.get("level") in ("error", "critical")]
        assert self.may_log_errors or not errors, f"errors in the log: {errors}"

    def clean_up(self):
        """Leaves nothing running, whatever a test did."""
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.log.finish()
            self.process.stdout.close()
            self.process.stderr.close()


class Client:
    """A request on a socket, its answer read byte for byte."""

    def __init__(self, server, path, *, method="GET", receive_buffer=None, tls=None):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", server.port))
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self._unread = b""

    def read_until(self, end):
        """The bytes up to and with `end`."""
        while end not in self._unread:
            piece = self.socket.recv(65536)
            assert piece, f"the connection ended before {end!r}, after {self._unread!r}"
            self._unread += piece
        taken, _, self._unread = self._unread.partition(end)
        return taken + end

    def read_to_end(self):
        """The bytes up to the end of the connection, which must not be a reset."""
        while piece := self.socket.recv(65536):
            self._unread += piece
        taken, self._unread = self._unread, b""
        return taken

    def reset(self):
        """Leaves with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()


def run(*arguments, prefix=(), timeout=PATIENCE):
    """Runs the command to its end."""
    command = [*prefix, BINARY, *arguments]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, cwd=ROOT)


def lua_string(value):
    """A Lua literal of exactly these bytes."""
    value = value if isinstance(value, bytes) else value.encode()
    return '"' + "".join(f"\\{byte:03d}" for byte in value) + '"'
