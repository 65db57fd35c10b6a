"""Streams over TLS against plain ones."""
import os, socket, ssl, statistics, subprocess, tempfile
from contextlib import contextmanager, ExitStack

from .servers import cpu_seconds, mooncast, raise_limit, resident_bytes
from .streams import open_streams

PAYLOAD = b"x" * 100


@contextmanager
def serving(secure):
    """A server of the script `tls`, and what makes a plain connection one that it understands."""
    with ExitStack() as stack:
        wrap = lambda plain: plain
        os.environ.update(BENCH_KEY="", BENCH_CERTIFICATE="")
        if secure:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            key, certificate = (os.path.join(directory, name) for name in ("key.pem", "certificate.pem"))
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 key, "-out", certificate, "-days", "1", "-subj", "/CN=bench"], check=True, capture_output=True)
            os.environ.update(BENCH_KEY=key, BENCH_CERTIFICATE=certificate)
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            wrap = context.wrap_socket
        process, port, _ = stack.enter_context(mooncast("tls", "--threads", "1"))
        yield process, port, wrap


def post(connection):
    connection.sendall(b"POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Length: 100\r\n\r\n" + PAYLOAD)
    while not connection.recv(4096).endswith(b"\r\n\r\n"):
        pass


def read_event(stream):
    data = b""
    while not data.endswith(b"\n\n"):
        piece = stream.recv(65536)
        if not piece:
            raise EOFError("the server ended a stream")
        data += piece


def tls():
    """Server CPU per delivery to streams over TLS, and their memory."""
    count, rounds, pairs = 1000, 20, 9
    raise_limit()
    with ExitStack() as stack:
        sides = []
        for secure in (True, False):
            process, port, wrap = stack.enter_context(serving(secure))
            publisher = wrap(socket.create_connection(("127.0.0.1", port)))
            open_streams(port, 50, wrap=wrap)
            before = resident_bytes(process.pid)
            streams = open_streams(port, count, wrap=wrap)
            sides.append((process, publisher, streams, (resident_bytes(process.pid) - before) / count))

        def cost(process, publisher, streams, _):
            before = cpu_seconds(process.pid)
            for _ in range(rounds):
                post(publisher)
                for stream in streams:
                    read_event(stream)
            return (cpu_seconds(process.pid) - before) / rounds / count * 1e6

        for side in sides:
            cost(*side)
        times = [(cost(*sides[0]), cost(*sides[1])) for _ in range(pairs)]
    over, plain = (statistics.median(column) for column in zip(*times))
    print(f"tls        {over:.1f} us CPU per delivery over TLS, {plain:.1f} us plain: "
          f"{statistics.median(a / b for a, b in times):.2f} x ({pairs} interleaved pairs of {rounds} x {count:,}); "
          f"{sides[0][3]:,.0f} bytes of user memory per idle stream")
