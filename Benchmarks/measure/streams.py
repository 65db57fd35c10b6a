"""Open streams: what they cost to open, to hold and to reach."""
import socket

from .servers import cpu_seconds, get, mooncast, raise_limit, resident_bytes


END_OF_HEAD = b"\r\n\r\n:\n"


def open_streams(port, count, path="/events", header="", wrap=None):
    """Opens streams; `path` may be a function of a stream's number. What follows their heads is left to be read, but over
    TLS (`wrap`), where nothing may follow."""
    streams = []
    for number in range(count):
        target = path(number) if callable(path) else path
        stream = socket.create_connection(("127.0.0.1", port), timeout=20)
        if wrap:
            stream = wrap(stream)
        stream.sendall(f"GET {target} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n{header}\r\n".encode())
        streams.append(stream)
    for stream in streams:
        if wrap:
            head = b""
            while not head.endswith(END_OF_HEAD):
                head += stream.recv(4096)
            continue
        while END_OF_HEAD not in (head := stream.recv(4096, socket.MSG_PEEK)):
            assert head, "the server refused a stream"
        stream.recv(head.index(END_OF_HEAD) + len(END_OF_HEAD))
    return streams


def read_events(streams, count):
    """Reads so many events, and nothing behind them, from each stream."""
    for stream in streams:
        data = b""
        while data.count(b"\n\n") < count or not data.endswith(b"\n\n"):
            piece = stream.recv(65536)
            if not piece:
                raise EOFError("the server ended a stream")
            data += piece
        assert data.count(b"\n\n") == count, data


def memory():
    """User memory per idle stream."""
    count = min(10000, raise_limit() - 200)
    with mooncast("streams", "--threads", "1") as (process, port, _):
        warm = open_streams(port, 200)
        for stream in warm:
            stream.close()
        while get(port, "/count") != b"0":
            pass
        before = resident_bytes(process.pid)
        streams = open_streams(port, count)
        after = resident_bytes(process.pid)
        assert get(port, "/count") == str(count).encode()
        for stream in streams:
            stream.close()
    print(f"memory     {(after - before) / count:.0f} bytes of user memory per idle stream ({count} of them)")


def connect():
    """Server CPU from accept to the signal sse_connection_opened in Lua, and on to the first byte."""
    count = 5000
    raise_limit()
    with mooncast("channels", "--threads", "1") as (process, port, _):
        before = cpu_seconds(process.pid)
        streams = open_streams(port, count)
        assert int(get(port, "/opened")) == count
        spent = cpu_seconds(process.pid) - before
        for stream in streams:
            stream.close()
    print(f"connect    {spent / count * 1e6:.0f} us CPU to open a stream that joins a channel ({count:,} of them)")


def broadcast():
    """Server CPU per delivery of HTTPServer.broadcast."""
    raise_limit()
    with mooncast("streams", "--threads", "1") as (process, port, _):
        streams = open_streams(port, 1000)
        payload = b"x" * 100
        rounds = 200
        before = cpu_seconds(process.pid)
        for _ in range(rounds):
            assert get(port, "/broadcast", "POST", payload) == b"1000"
            read_events(streams, 1)
        spent = cpu_seconds(process.pid) - before
        for stream in streams:
            stream.close()
    print(f"broadcast  {spent / rounds / 1000 * 1e6:.2f} us CPU per delivery (1,000 streams, 100 bytes, one event at a time)")
