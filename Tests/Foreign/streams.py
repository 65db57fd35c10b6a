"""Servers that send what a test says, and `mooncast tail` as a process."""

import json
import queue
import re
import signal
import socket
import ssl
import subprocess
import threading
from contextlib import suppress

from support import BINARY, PATIENCE, ROOT, Log

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNKED = HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
RETRY = b"retry: 10\n"
GONE = b"HTTP/1.1 204 No Content\r\n\r\n"
HOLD = object()  # leaves the connection open


def events(lines):
    """Type, data and id of each line of `--json`."""
    found = [json.loads(line) for line in lines]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]) for event in found)
    return [(event["type"], event["data"], event["id"]) for event in found]


def chunk(data, extension=b""):
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


class Request:
    """A request as it came."""

    def __init__(self, head):
        line, *fields = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = line.split(" ")
        self.fields = [tuple(field.split(": ", 1)) for field in fields if field]
        self.headers = {name.lower(): value for name, value in self.fields}


class ScriptedServer:
    """Gives its answers, one for each connection; the last one again and again.

    An answer is bytes, or a list of pieces that are sent one by one; HOLD among them keeps the connection open.
    """

    def __init__(self, *answers, context=None, listens=True, reads=True):
        self._answers = answers
        self._context = context
        self._reads = reads
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._requests = queue.Queue()
        self._held = []
        if listens:
            self.listen()

    def listen(self):
        self._socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def next_request(self):
        return self._requests.get(timeout=PATIENCE)

    def has_request(self):
        return not self._requests.empty()

    def _accept(self):
        number = 0
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            answer = self._answers[min(number, len(self._answers) - 1)]
            threading.Thread(target=self._serve, args=(connection, answer), daemon=True).start()
            number += 1

    def _serve(self, connection, answer):
        with suppress(OSError):
            connection.settimeout(PATIENCE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            head = b""
            while self._reads and not head.endswith(b"\r\n\r\n"):
                piece = connection.recv(1)
                if not piece:
                    return connection.close()
                head += piece
            if self._reads:
                self._requests.put(Request(head[:-4]))
            for piece in answer if isinstance(answer, list) else [answer]:
                if piece is HOLD:
                    return self._held.append(connection)
                connection.sendall(piece)
            if self._context:
                connection.unwrap()
        connection.close()

    def drop(self):
        """Ends what is held open."""
        while self._held:
            self._held.pop().close()

    def close(self):
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.drop()


class Relay:
    """A TCP relay to a port, whose connections can be cut."""

    def __init__(self, port):
        self._port = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._socket.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            self._pairs.append((near, far))
            for source, target in [(near, far), (far, near)]:
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _copy(self, source, target):
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def cut(self):
        """Resets what is open."""
        while self._pairs:
            for side in self._pairs.pop():
                with suppress(OSError):
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    side.shutdown(socket.SHUT_RDWR)
                side.close()

    def close(self):
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()


class Tail:
    """A running `mooncast tail`. `log` is what it wrote to standard error."""

    def __init__(self, url, *options):
        self.process = subprocess.Popen(
            [str(word) for word in (BINARY, "tail", url, *options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        self.log = Log(self.process.stderr)
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self):
        """The next line of standard output."""
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"{PATIENCE} s passed without a line:\n{self.log}") from None
        assert line is not None, f"it ended:\n{self.log}"
        return line.decode()

    def event(self):
        """The next event of `--json`."""
        return json.loads(self.line())

    def data(self, count):
        return [self.event()["data"] for _ in range(count)]

    def rest(self):
        """The lines up to the end of the process."""
        self._reader.join(PATIENCE)
        lines = []
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            lines.append(line.decode())
        return lines

    def wait(self):
        """The exit code, once everything that was logged is read."""
        code = self.process.wait(PATIENCE)
        self.log.finish()
        return code

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def clean_up(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE)
        self.log.finish()
        self.process.stdout.close()
        self.process.stderr.close()


def make_certificate(directory, names):
    """A certificate that vouches for itself, and its key: paths of PEM files."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=mooncast test", "-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    return certificate, key


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
