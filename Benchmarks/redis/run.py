"""Measures a cluster against what its Redis does by itself; started by scripts/bench-redis.

Both sides run in one go, interleaved, with the same client. `latency`: from a publish to its event at a subscriber of
another node. `publish`: what one node publishes as fast as it can. `receive`: what an event costs the node that gets it.
"""
import json, os, re, socket, statistics, subprocess, sys, tempfile, threading, time
from contextlib import ExitStack, contextmanager

from measure.servers import ROOT, cpu_seconds, free_port, get, mooncast
from measure.streams import open_streams

PAYLOAD = b"x" * 100
ROUNDS, PAIRS, EVENTS = 5, 2000, 200_000
BATCH = 500


def encode(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


@contextmanager
def redis():
    """A Redis without files: (its process, its port)."""
    unpacked = os.path.join(ROOT, ".venv/redis/usr/bin/redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [unpacked if os.path.exists(unpacked) else "redis-server", "--bind", "127.0.0.1", "--port", str(port),
             "--save", "", "--dir", directory], stdout=subprocess.DEVNULL)
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.02)
            else:
                sys.exit("bench-redis: redis-server does not listen")
            yield process, port
        finally:
            process.terminate()
            process.wait(15)


@contextmanager
def cluster(nodes):
    """A Redis and so many nodes of one thread: (Redis' process and port, [(process, port)])."""
    with ExitStack() as stack:
        server, port = stack.enter_context(redis())
        os.environ["REDIS_URL"] = f"redis://127.0.0.1:{port}"
        started = [stack.enter_context(mooncast("redis", "--threads", "1", "--require-redis")) for _ in range(nodes)]
        yield server, port, [(process, node) for process, node, _ in started]


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_until(connection, end):
    data = b""
    while not data.endswith(end):
        piece = connection.recv(65536)
        if not piece:
            sys.exit("bench-redis: a server ended a connection")
        data += piece
    return data


def measured(send, answer, delivery, end):
    """Sends, waits for the delivery: seconds since the publish that the delivered text tells, and since the sending."""
    start = time.time()
    send(start)
    text = read_until(delivery, end)
    now = time.time()
    answer()
    published = float(re.search(rb"(\d+\.\d{7}) x", text)[1])
    return now - published, now - start


@contextmanager
def apart(server):
    """This process and Redis on two cores. On one, which the scheduler takes at times, they hand over in half the time."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(server.pid, cores[1:])
        os.sched_setaffinity(0, cores[:1])
    yield
    os.sched_setaffinity(0, cores)


def latency():
    with cluster(2) as (server, redis_port, [(_, publishing), (_, receiving)]), apart(server):
        plain, subscribed = connect(redis_port), connect(redis_port)
        subscribed.sendall(encode("SUBSCRIBE", "bare"))
        read_until(subscribed, b":1\r\n")
        poster = connect(publishing)
        [stream] = open_streams(receiving, 1)
        post = b"POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%b" % (len(PAYLOAD), PAYLOAD)

        def bare():
            return measured(
                lambda start: plain.sendall(encode("PUBLISH", "bare", b"%.7f %b" % (start, PAYLOAD))),
                lambda: read_until(plain, b"\r\n"), subscribed, b"\r\n")

        def ours():
            return measured(lambda _: poster.sendall(post), lambda: read_until(poster, b"\r\n\r\n0"), stream, b"\n\n")

        for _ in range(200):
            bare(), ours()
        times = [(*ours(), *bare()) for _ in range(PAIRS)]
        for connection in (plain, subscribed, poster, stream):
            connection.close()
    called, requested, _, alone = (statistics.median(column) * 1e6 for column in zip(*times))
    worst, worst_alone = (sorted(column)[PAIRS * 99 // 100] * 1e6 for column in (list(zip(*times))[0], list(zip(*times))[3]))
    print(f"latency    {called:.0f} us from publish in a script to a subscriber of another node, {alone:.0f} us from PUBLISH "
          f"to a subscriber of Redis: {called / alone:.2f} x (99th percentile {worst:.0f} and {worst_alone:.0f} us); "
          f"{requested:.0f} us, {requested / alone:.2f} x, from the request that makes the script publish "
          f"({PAIRS:,} interleaved pairs)")


def bare_flood(port, count):
    """The least that keeping and publishing takes: XADD and PUBLISH, many under way. Seconds."""
    connection = connect(port)
    batch = BATCH * (encode("XADD", "bare:history", "MAXLEN", "~", 100, "*", "e", PAYLOAD) + encode("PUBLISH", "bare", PAYLOAD))

    def read():
        left = count * 3  # lines: two for the id, one for the number of receivers
        while left > 0:
            left -= connection.recv(1 << 20).count(b"\n")

    reader = threading.Thread(target=read)
    start = time.monotonic()
    reader.start()
    for _ in range(count // BATCH):
        connection.sendall(batch)
    reader.join()
    spent = time.monotonic() - start
    connection.close()
    return spent


def flood(port, count):
    answer = json.loads(get(port, f"/flood/{count}", "POST", PAYLOAD))
    return answer["seconds"]


def cost(work, *processes):
    """What the work gives, and the microseconds of CPU per event of each process meanwhile."""
    before = [cpu_seconds(process.pid) for process in processes]
    given = work()
    return given, *((cpu_seconds(process.pid) - each) / EVENTS * 1e6 for process, each in zip(processes, before))


def publish():
    with cluster(1) as (server, redis_port, [(node, port)]):
        flood(port, EVENTS // 10)
        rows = []
        for _ in range(ROUNDS):
            ours = cost(lambda: flood(port, EVENTS), node, server)
            bare = cost(lambda: bare_flood(redis_port, EVENTS), server)
            rows.append((*ours, *bare))
    seconds, of_node, of_redis, alone, redis_alone = (statistics.median(column) for column in zip(*rows))
    print(f"publish    {EVENTS / seconds:,.0f} events/s by one node; per event {of_node:.2f} us CPU of the node, {of_redis:.2f} us of "
          f"Redis. XADD and PUBLISH alone: {EVENTS / alone:,.0f} events/s, {redis_alone:.2f} us of Redis "
          f"({ROUNDS} interleaved runs of {EVENTS:,} events of {len(PAYLOAD)} bytes)")


def receive():
    with cluster(2) as (server, _, [(_, publishing), (node, receiving)]):
        [stream] = open_streams(receiving, 1)
        time.sleep(0.5)
        rows = []

        def run():
            reader = threading.Thread(target=read_all, args=(stream, EVENTS))
            reader.start()
            flood(publishing, EVENTS)
            reader.join()

        for _ in range(ROUNDS):
            rows.append(cost(run, node, server))
        stream.close()
    _, of_node, of_redis = zip(*rows)
    print(f"receive    {statistics.median(of_node):.2f} us CPU per event of a node with one subscriber, "
          f"{statistics.median(of_redis):.2f} us of Redis ({ROUNDS} runs of {EVENTS:,} events)")


def read_all(stream, count):
    """Counts the events, across pieces."""
    last = b""
    while count > 0:
        piece = stream.recv(1 << 20)
        if not piece:
            sys.exit("bench-redis: the subscriber was disconnected")
        count -= piece.count(b"\n\n") + (last == b"\n" and piece[:1] == b"\n")
        last = piece[-1:]


sys.stdout.reconfigure(line_buffering=True)  # what is measured is not lost when a later part fails
parts = {"latency": latency, "publish": publish, "receive": receive}
chosen = sys.argv[1:] or list(parts)
for name in chosen:
    if name not in parts:
        sys.exit(f"bench-redis: unknown part '{name}' (known: {', '.join(parts)})")
for name in chosen:
    parts[name]()
