"""Channels, and what a script would do without them."""
import socket, statistics, time
from contextlib import contextmanager

from .servers import cpu_seconds, get, mooncast, raise_limit
from .streams import open_streams, read_events

PAYLOAD = b"x" * 100


@contextmanager
def serving(count, path):
    """A server with `count` streams, the number of each put into their path; gives (its process, its port, streams)."""
    raise_limit()
    with mooncast("channels", "--threads", "1") as (process, port, _):
        streams = open_streams(port, count, path)
        yield process, port, streams
        for stream in streams:
            stream.close()


def cost(process, port, streams, path, events=1):
    """Server CPU seconds until each stream has what a POST sends."""
    before = cpu_seconds(process.pid)
    get(port, path, "POST", PAYLOAD)
    read_events(streams, events)
    return cpu_seconds(process.pid) - before


def ids():
    """A loop over ids against one publish."""
    count, rounds = 10000, 9
    with serving(count, "/events") as (process, port, streams):
        cost(process, port, streams, "/publish")
        pairs = [(cost(process, port, streams, "/ids"), cost(process, port, streams, "/publish")) for _ in range(rounds)]
    loop, publish = (statistics.median(column) for column in zip(*pairs))
    print(f"ids        send_sse_event to each of {count:,} ids {loop * 1e3:.0f} ms CPU, one publish {publish * 1e3:.0f} ms: "
          f"{statistics.median(a / b for a, b in pairs):.2f} x ({rounds} interleaved pairs)")


def publish():
    """A publish that reaches nobody."""
    with mooncast("channels", "--threads", "1") as (_, port, _):
        times = [float(get(port, "/empty", "POST", PAYLOAD)) for _ in range(9)]
    print(f"publish    {statistics.median(times):.2f} us CPU into a channel without members (9 runs of 20,000)")


def one():
    """A request whose handler publishes to a channel of one: how soon that one has it."""
    count = 4000
    post = b"POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%b" % (len(PAYLOAD), PAYLOAD)
    with serving(1, "/events") as (process, port, streams), socket.create_connection(("127.0.0.1", port)) as poster:
        poster.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def turn():
            start = time.monotonic()
            poster.sendall(post)
            read_events(streams, 1)
            spent = time.monotonic() - start
            assert poster.recv(4096).startswith(b"HTTP/1.1 200 ")
            return spent

        for _ in range(200):
            turn()
        before = cpu_seconds(process.pid)
        times = [turn() for _ in range(count)]
        cpu = (cpu_seconds(process.pid) - before) / count
    print(f"one        {statistics.median(times) * 1e6:.0f} us from a request that publishes to the event at the channel's "
          f"only member, {cpu * 1e6:.0f} us CPU ({count:,} turns)")


def many():
    """Many small channels against a large one."""
    count, rounds = 10000, 9
    with serving(count, lambda number: f"/events?channel=c{number // 2 + 1}") as (small, small_port, small_streams):
        with serving(count - 2000, "/events") as (large, large_port, large_streams):
            cost(large, large_port, large_streams, "/publish")
            pairs = []
            for _ in range(rounds):
                pairs.append((
                    cost(small, small_port, small_streams, f"/publish_many/{count // 2}") / count,
                    cost(large, large_port, large_streams, "/publish") / len(large_streams)))
    each, one = (statistics.median(column) * 1e6 for column in zip(*pairs))
    print(f"many       {each:.2f} us CPU per delivery in {count // 2:,} channels of two, {one:.2f} us in one channel of "
          f"{count - 2000:,}: {statistics.median(a / b for a, b in pairs):.2f} x ({rounds} interleaved pairs)")


def reconnect():
    """Everybody comes back at once."""
    count, missed = 10000, 10
    raise_limit()
    with mooncast("channels", "--threads", "1") as (process, port, _):
        last = get(port, "/publish", "POST", PAYLOAD).decode()
        for _ in range(missed):
            get(port, "/publish", "POST", PAYLOAD)
        before = cpu_seconds(process.pid)
        streams = open_streams(port, count, "/events", f"Last-Event-ID: {last}\r\n")
        read_events(streams, missed)
        spent = cpu_seconds(process.pid) - before
        for stream in streams:
            stream.close()
    print(f"reconnect  {spent:.2f} s CPU for {count:,} streams that come back and get {missed} events each")
