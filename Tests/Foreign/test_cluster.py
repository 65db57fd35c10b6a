"""Three nodes and a Redis: who listens where, and who publishes where, makes no difference."""

import asyncio
import socket
import ssl

import pytest

from cluster import PREFIX, Event, query
from cluster_soak import Load, Subscriber, faults
from streams import make_certificate
from support import PATIENCE

SEEDS = [20_261_121]  # more of them for a long run
EVENTS = 10_000
SUBSCRIBERS = 300
TIME_LIMIT = 100


@pytest.fixture
def redis(redis_servers):
    return redis_servers(persistent=True)


@pytest.fixture
def three(cluster, redis):
    return cluster.nodes(redis.url(), 3)


# MARK: nodes that die


@pytest.mark.timeout(TIME_LIMIT + 50)
@pytest.mark.parametrize("seed", SEEDS)
def test_clients_of_nodes_that_die_get_every_event_once_and_in_one_order_elsewhere(cluster, redis, three, seed):
    nodes = list(three)

    async def replace(load, place, end):
        """A node ends, and another one begins on its port."""
        node = nodes[place]
        load.ports.remove(node.port)
        await asyncio.to_thread(end, node)
        await asyncio.sleep(0.2)
        nodes[place] = await asyncio.to_thread(cluster.node, redis.url(), port=node.port)
        load.ports.append(node.port)

    async def disturb(load):
        await load.reached(EVENTS // 5)
        await replace(load, 0, lambda node: node.kill())
        await load.reached(EVENTS // 5 * 2)
        await replace(load, 1, lambda node: node.kill())
        await load.reached(EVENTS // 5 * 3)
        await replace(load, 2, lambda node: node.stop())

    async def soak():
        load = Load(seed, [node.port for node in nodes], EVENTS)
        subscribers = [Subscriber(load) for _ in range(SUBSCRIBERS)]
        await load.run(subscribers, disturb, TIME_LIMIT)
        return load, subscribers

    load, subscribers = asyncio.run(soak())
    assert faults(load, subscribers)[:20] == []
    assert load.errors == []
    assert len(load.acknowledged) > EVENTS * 0.9
    assert sum(subscriber.connections for subscriber in subscribers) > 2 * SUBSCRIBERS


# MARK: what arrives


def test_an_event_arrives_on_every_node_under_the_id_that_its_publisher_was_given(three, listen):
    streams = [listen(node, "c") for node in three]
    for number, node in enumerate(three * 5):
        id = node.publish("c", f"text {number}", type="kind")
        assert [stream.next() for stream in streams] == [Event("kind", f"text {number}", id)] * 3


@pytest.mark.parametrize("data", ["", "a\nb\r\nc\rd", "naïve 标识 \U0001f319", "\0", " x", "{" * 1000])
def test_data_arrives_as_it_was_published(three, listen, data):
    stream = listen(three[1], "c")
    three[0].publish("c", data)
    assert stream.next().data == data.replace("\r\n", "\n").replace("\r", "\n")


def test_an_event_of_10_mb_passes(three, listen):
    """Made in the script: a request's body is limited to less."""
    stream = listen(three[1], "c")
    assert three[0].request("POST", "/large", channel="c", count=10_000_000) == "0"
    assert len(stream.next().data) == 10_000_000
    three[0].publish("c", "after it")
    assert stream.next().data == "after it"


def test_a_nodes_own_event_comes_back_once(three, listen):
    own, other = listen(three[0], "c"), listen(three[1], "c")
    assert three[0].queue("c", "n", count=200) == (200, 0)
    three[1].publish("c", "end")
    wanted = [f"n{number}" for number in range(1, 201)] + ["end"]
    assert [event.data for event in own.until("end")] == wanted
    assert [event.data for event in other.until("end")] == wanted


def test_a_stream_whose_head_is_here_gets_what_any_node_publishes_from_then_on(three, listen):
    """Also the first of its node in its channel, also when the publication begins in the very moment."""
    with socket.create_connection(("127.0.0.1", three[0].port), PATIENCE) as publisher:
        for number in range(100):
            head = f"POST /publish?{query(f'c{number}')} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
            stream = listen(three[1 + number % 2], f"c{number}")
            publisher.sendall(head.encode() + b"first")
            assert stream.next(timeout=3).data == "first", number
            assert publisher.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_over_tls_too_the_first_stream_in_a_channel_gets_what_any_node_publishes(
    redis_servers, cluster, listen, tmp_path
):
    certificate, key = make_certificate(tmp_path, "DNS:localhost")
    context = ssl.create_default_context(cafile=certificate)
    redis = redis_servers()
    plain = cluster.node(redis.url())
    secure = cluster.node(redis.url(), "--tls-certificate", certificate, "--tls-key", key)
    for number in range(20):
        stream = listen(secure, [f"a{number}", f"b{number}"], tls=context)
        ids = [plain.publish(f"a{number}", "first"), plain.publish(f"b{number}", "second")]
        assert [event.id for event in stream.take(2)] == ids, number


def test_publish_and_publish_and_wait_keep_the_order_of_the_calls(three, listen):
    stream = listen(three[1], ["a", "b"])
    for number in range(20):
        three[0].queue("a", f"{number} ", count=3)
        three[0].publish("b", f"{number} waited")
    wanted = [f"{number} {text}" for number in range(20) for text in ("1", "2", "3", "waited")]
    assert stream.data(80) == wanted


def test_several_channels_of_a_stream_are_in_one_order_on_every_node(three, listen):
    streams = [listen(node, ["a", "b", "c"]) for node in three]
    for number in range(60):
        three[number % 3].queue("abc"[number % 2], f"{number} ", count=2)
    ends = [node.publish("c", "end") for node in three]
    seen = [stream.take(120 + 3) for stream in streams]
    assert seen[0] == seen[1] == seen[2]
    assert len({event.id for event in seen[0]}) == 123
    numbers = [int(event.id.rpartition("-")[2]) for event in seen[0]]
    assert numbers == sorted(numbers) and set(ends) <= {event.id for event in seen[0]}


NAMES = [b"\0", b"a b", b"*", b"[a-z]?", "naïve".encode(), b"\xff\xfe", b"a:b:c", b"{x}", b"\r\n", b"x" * 1024]


def test_a_channel_may_have_any_name(three, listen):
    streams = [listen(three[1], name) for name in NAMES]
    for number, name in enumerate(NAMES):
        three[0].publish(name, number)
    assert [stream.next().data for stream in streams] == [str(number) for number in range(len(NAMES))]
    for number, name in enumerate(NAMES):
        assert [data for _, _, data in three[2].history(name)] == [str(number)]
        assert three[2].count(name) == (1, None)


# MARK: what was missed


@pytest.mark.parametrize("has_members", [True, False])
def test_a_client_resumes_on_another_node(three, listen, has_members):
    """Also on one that had no member in the channel before."""
    stream = listen(three[0], ["a", "b"])
    if has_members:
        listen(three[2], ["a", "b"])
    three[0].publish("a", "seen")
    last = stream.next().id
    stream.close()
    missed = [Event("m", f"{number}", three[number % 2].publish("ab"[number % 2], number)) for number in range(100)]
    stream = listen(three[2], ["a", "b"], last_id=last)
    assert stream.take(100) == missed
    live = three[1].publish("b", "live")
    assert stream.next() == Event("m", "live", live)


def test_any_node_gives_a_newcomer_the_history_it_asks_for(three, listen):
    ids = [three[number % 2].publish("c", number) for number in range(30)]
    kept = [Event("m", str(number), id) for number, id in enumerate(ids)]
    assert listen(three[2], "c", replay="all").take(30) == kept
    for node in three:
        assert listen(node, "c", replay=7).take(7) == kept[-7:]
        assert node.history("c", 5) == [(event.id, event.type, event.data) for event in kept[-5:]]
        assert len(node.history("c")) == 30
        assert node.history("nobody") == []


def test_a_client_resumes_from_an_id_of_the_publishers_own(three, listen):
    stream = listen(three[1], "c")
    assert three[0].publish("c", "first", id="mine-1") == "mine-1"
    assert stream.next() == Event("m", "first", "mine-1")
    three[0].publish("c", "second", id="mine-2")
    third = three[0].publish("c", "third")
    wanted = [Event("m", "second", "mine-2"), Event("m", "third", third)]
    for node in three:
        assert listen(node, "c", last_id="mine-1").take(2) == wanted


@pytest.mark.parametrize("last", ["nonsense", "zzzzzz-5", "mine-404", "0-0", "x" * 128])
def test_an_id_that_nobody_knows_is_a_gap(three, listen, last):
    three[2].watch("c")
    ids = [three[0].publish("c", number) for number in range(3)]
    stream = listen(three[2], "c", last_id=last)
    assert stream.take(4) == [Event("stream-reset", ids[0], None)] + [
        Event("m", str(number), id) for number, id in enumerate(ids)
    ]
    three[2].log.wait("^gap\tc$")


def test_what_the_history_has_dropped_is_a_gap_on_every_node(three, listen):
    ids = [three[number % 3].publish("short", number) for number in range(40)]
    for node in three:
        node.watch("short")
        stream = listen(node, "short", last_id=ids[0])
        reset, first = stream.next(), stream.next()
        assert reset == Event("stream-reset", first.id, None)
        assert [first.id, *(event.id for event in stream.take(9))] == ids[-10:]
        node.log.wait("^gap\tshort$")
        stream = listen(node, "short", last_id=ids[-11])
        assert [event.id for event in stream.take(10)] == ids[-10:]


def test_a_newcomer_gets_the_snapshot_and_then_all_that_is_live(three, listen):
    for number in range(10):
        three[0].queue("state", f"{number} ", count=50)
        stream = listen(three[1 + number % 2], "state")
        first = int(three[0].publish("state", "live").rpartition("-")[2])
        assert stream.next() == Event("snapshot", "so far", None)
        events = stream.until("live")
        numbers = [int(event.id.rpartition("-")[2]) for event in events]
        assert numbers == list(range(numbers[0], first + 1))


# MARK: what is in Redis


def test_publishers_with_different_prefixes_do_not_meet(cluster, redis, listen):
    first, second = cluster.node(redis.url(), sync="first"), cluster.node(redis.url(), sync="first:second")
    streams = [listen(first, "c"), listen(second, "c")]
    for number in range(10):
        first.publish("c", f"first {number}")
        second.publish("c", f"second {number}")
    assert streams[0].data(10) == [f"first {number}" for number in range(10)]
    assert streams[1].data(10) == [f"second {number}" for number in range(10)]
    assert [data for _, _, data in first.history("c")] == [f"first {number}" for number in range(10)]
    assert first.count("c") == second.count("c") == (1, None)


def test_every_key_and_channel_begins_with_the_prefix(cluster, redis, listen):
    one, two = cluster.nodes(redis.url(), 2, sync="league of its own")
    streams = [listen(node, "c") for node in (one, two)]
    one.publish("c", "text", id="mine")
    [stream.next() for stream in streams]
    two.remove("00000000-0000-4000-8000-000000000000", "c")
    keys = redis("KEYS", "*")
    assert keys and [key for key in keys if not key.startswith(b"league of its own:")] == []
    channels = redis("PUBSUB", "CHANNELS", "*")
    assert channels and [name for name in channels if not name.startswith(b"league of its own:")] == []
    assert redis("PUBSUB", "NUMPAT") == 0


def test_nothing_is_subscribed_to_that_nobody_is_in(three, redis, listen):
    before = set(redis("PUBSUB", "CHANNELS", "*"))
    stream = listen(three[0], "c")
    three[1].publish("c", "text")
    stream.next()
    assert len(set(redis("PUBSUB", "CHANNELS", "*")) - before) == 1
    stream.close()
    redis.wait_until(lambda: set(redis("PUBSUB", "CHANNELS", "*")) == before, "the end of the subscription")


def test_what_is_kept_in_redis_is_bounded(three, redis):
    for _ in range(10):
        three[0].queue("short", "x", count=500)
    three[0].publish("short", "end")
    [key] = [key for key in redis("KEYS", f"{PREFIX}:history:*")]
    assert redis("XLEN", key) <= 200
