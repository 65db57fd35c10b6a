"""A Redis that is killed, stopped, loading, demoted or replaced under load, and connections that it ends: nothing that
was acknowledged is lost, nothing doubled, and the nodes serve meanwhile."""

import asyncio
import signal
import time

import pytest

from cluster import SCRIPT, Cluster, Event
from cluster_soak import Load, Subscriber, faults
from redis_server import RedisError
from streams import Relay

EVENTS = 3000
SUBSCRIBERS = 60
TIME_LIMIT = 50
LARGE = "x" * 4096


@pytest.fixture
def cluster(serve, scripts):
    """Nodes that may log errors."""
    return Cluster(serve, scripts(main=SCRIPT), may_log_errors=True)


async def kill(redis):
    redis.kill()
    await asyncio.sleep(2)
    await asyncio.to_thread(redis.restart)


async def stop(redis):
    """For so long that the nodes give their connections up. What they had sent is read when it goes on."""
    redis.stop_process()
    await asyncio.sleep(7)
    redis.continue_process()


async def end_connections(redis):
    """Of commands and of messages, again and again."""
    for number in range(20):
        kind = ("normal", "pubsub")[number % 2]
        await asyncio.to_thread(redis, "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        await asyncio.sleep(0.2)


async def load_slowly(redis):
    """It is back at once, and answers LOADING for a while."""
    redis.kill()
    await asyncio.to_thread(redis.restart, wait=False)
    is_loading = False
    while not redis.is_ready():
        try:
            await asyncio.to_thread(redis, "GET", "x")
        except RedisError as error:
            is_loading |= str(error).startswith("LOADING")
        except OSError:
            pass
        await asyncio.sleep(0.02)
    assert is_loading


async def demote(redis):
    """A replica, of a primary that is not there, refuses what writes."""
    await asyncio.to_thread(redis, "REPLICAOF", "127.0.0.1", 1)
    await asyncio.sleep(3)
    await asyncio.to_thread(redis, "REPLICAOF", "NO", "ONE")


@pytest.mark.timeout(TIME_LIMIT + 30)
@pytest.mark.parametrize("harm", [kill, stop, end_connections, load_slowly, demote], ids=lambda harm: harm.__name__)
def test_a_redis_that_fails_under_load_loses_and_doubles_nothing(redis_servers, cluster, harm):
    slowly = {"key_load_delay": 500, "loading_process_events_interval_bytes": 1024} if harm is load_slowly else {}
    redis = redis_servers(persistent=True, **slowly)
    for number in range(1000 if slowly else 0):
        redis("SET", number, "to be loaded")
    nodes = cluster.nodes(redis.url(), 3)

    async def disturb(load):
        await load.reached(EVENTS // 3)
        await harm(redis)
        for node in nodes:
            assert await asyncio.to_thread(node.is_alive)

    async def soak():
        load = Load(7, [node.port for node in nodes], EVENTS)
        subscribers = [Subscriber(load) for _ in range(SUBSCRIBERS)]
        await load.run(subscribers, disturb, TIME_LIMIT)
        return load, subscribers

    load, subscribers = asyncio.run(soak())
    assert faults(load, subscribers)[:20] == []
    assert load.errors == [], "what waits for less than 10 seconds is published"
    assert len(load.acknowledged) == EVENTS + 6 and not load.lost
    if harm in (kill, load_slowly):  # the others a node that waits for no answer may not notice
        for node in nodes:
            node.wait_until_connected(2)
            assert node.log.find("^publisher disconnected\t.")


# MARK: connections that Redis ends


def test_a_node_that_redis_drops_for_a_full_buffer_gets_what_it_missed(redis_servers, cluster, listen):
    """Of the channel whose history is longer than that, everything; of the other one what is kept, after a reset."""
    redis = redis_servers(client_output_buffer_limit="pubsub 4mb 0 0")
    slow, other = cluster.nodes(redis.url(), 2)
    slow.watch("c", "short")
    whole, short, witness = listen(slow, "c"), listen(slow, "short"), listen(other, ["c", "short"])
    seen = other.publish("short", "seen")
    assert short.next().id == witness.next().id == seen
    slow.process.send_signal(signal.SIGSTOP)
    try:
        for number in range(15):
            assert other.queue("c", LARGE, count=400, first=1 + 400 * number) == (400, 0)
            other.queue("short", "x", count=5, first=1 + 5 * number)
            other.publish("c", "batch")
        redis.wait_until(lambda: "overcoming of output buffer limits" in redis.output(), "a drop")
    finally:
        slow.process.send_signal(signal.SIGCONT)
    end = other.publish("c", "end")
    last = other.publish("short", "end")
    wanted = [(event.id, event.data) for event in witness.take(15 * 406 + 2)]
    kept = [event for event in wanted if event[1].startswith((LARGE, "batch")) or event[0] == end]
    assert [(event.id, event.data) for event in whole.take(15 * 401 + 1)] == kept
    events = short.until("end")
    first = next(place for place, event in enumerate(events) if event.type == "stream-reset")
    after = events[first + 1 :]
    assert events[first] == Event("stream-reset", after[0].id, None)
    assert [(event.id, event.data) for event in after] == [event for event in wanted if event not in kept][-len(after) :]
    assert len(after) >= 10 and after[-1].id == last
    slow.log.wait("^gap\tshort$")
    assert slow.told("gap") == ["short"]


def test_a_break_is_over_when_the_connection_is_back_at_whatever_moment_it_came(redis_servers, cluster):
    """The nodes' heartbeats, one in four seconds, are half a second apart: some of them fall into the break."""
    redis = redis_servers()
    nodes = []
    for _ in range(8):
        nodes.append(cluster.node(redis.url()))
        time.sleep(0.5)
    redis("CLIENT", "KILL", "TYPE", "pubsub")
    for node in nodes:
        node.wait_until_connected(2)
    time.sleep(9)  # two heartbeats
    assert [node.connections() for node in nodes] == [2] * 8, nodes[0].log


def test_a_message_that_was_torn_is_discarded_and_comes_whole(redis_servers, cluster, listen):
    redis = redis_servers()
    fake = redis_servers.fake(redis)
    behind, other = cluster.node(fake.url), cluster.node(redis.url())
    stream = listen(behind, "c")
    for number in range(5):
        fake.tear(f"text {number}".encode())
        id = other.publish("c", f"text {number} to its end")
        assert stream.next() == Event("m", f"text {number} to its end", id)
        assert fake.is_torn()
    assert behind.is_alive()


GARBAGE = {
    "no type": b"?nothing\r\n",
    "text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "an endless length": b"$99999999999999999999\r\n",
    "a length that no memory has": b"$999999999999\r\n",
    "a negative length": b"$-5\r\n",
    "an array that no memory has": b"*2147483647\r\n:1\r\n",
    "deep arrays": b"*1\r\n" * 100_000,
    "no line end": b"+" + b"x" * 200_000,
    "no number": b":one\r\n",
    "a bare line feed": b"+OK\n\n\n:1\r\n",
    "an answer to nothing": b"+OK\r\n" * 100,
    "another protocol": b"%1\r\n+a\r\n_\r\n",
    "zeros": bytes(4096),
}


@pytest.mark.timeout(120)
def test_garbage_from_redis_costs_a_connection_and_nothing_else(redis_servers, cluster, listen):
    redis = redis_servers()
    fake = redis_servers.fake(redis)
    behind, other = cluster.node(fake.url), cluster.node(redis.url())
    stream, witness = listen(behind, "c"), listen(other, "c")
    for name, garbage in GARBAGE.items():
        connected = behind.connections()
        assert fake.inject(garbage) >= 1
        ids = [other.publish("c", f"to {name}")]
        behind.wait_until_connected(connected + 1)
        ids.append(behind.publish("c", f"by {name}"))
        assert [event.id for event in stream.take(2)] == ids, name
        assert [event.id for event in witness.take(2)] == ids, name
    assert behind.is_alive()


def test_a_redis_that_falls_silent_is_given_up_and_asked_again(redis_servers, cluster, listen):
    """A connection that stays open says nothing: ten seconds of silence do."""
    redis = redis_servers()
    fake = redis_servers.fake(redis)
    behind, other = cluster.node(fake.url), cluster.node(redis.url())
    stream = listen(behind, "c")
    id = behind.publish("c", "before it")
    assert stream.next().id == id
    fake.be_silent()
    late = listen(behind, "new")  # the head of the first stream of a channel waits for Redis, but not for long
    id = other.publish("c", "into the silence")
    behind.log.wait("^publisher disconnected\t.")
    assert behind.is_alive()
    fake.heal()
    assert stream.next() == Event("m", "into the silence", id)
    id = behind.publish("c", "after it")
    assert stream.next().id == id
    id = other.publish("new", "for the late one")
    assert late.next().id == id


# MARK: a Redis that is another one


def test_a_failover_behind_one_address_goes_unnoticed_by_clients(redis_servers, cluster, listen):
    primary = redis_servers()
    replica = redis_servers(replica_of=primary)
    relay = Relay(primary.port)
    try:
        nodes = cluster.nodes(f"redis://127.0.0.1:{relay.port}", 2)
        streams = [listen(node, "c") for node in nodes]
        ids = [nodes[number % 2].publish("c", number) for number in range(20)]
        replica.wait_until(lambda: primary("WAIT", 1, 1000) == 1, "replication")
        offset = primary.info("replication")["master_repl_offset"]
        replica.wait_until(lambda: int(replica.info("replication")["slave_repl_offset"]) >= int(offset), "replication")
        relay._port = replica.port
        primary.kill()
        relay.cut()
        time.sleep(1)  # the nodes meet a replica first
        waiting = nodes[0].queue("c", "queued ", count=10)
        replica("REPLICAOF", "NO", "ONE")
        assert waiting == (10, 0)
        ids += [nodes[number % 2].publish("c", "after it") for number in range(2)]
        for stream in streams:
            events = stream.take(32)
            assert [event.data for event in events[20:30]] == [f"queued {number}" for number in range(1, 11)]
            assert [event.id for event in events[:20] + events[30:]] == ids
            assert len({event.id.rpartition("-")[0] for event in events}) == 1
    finally:
        relay.close()


@pytest.mark.parametrize("how", ["restart", "FLUSHALL"])
def test_a_redis_that_lost_everything_is_told_to_every_stream(redis_servers, cluster, listen, how):
    """At a restart nobody knows what else was published. A flush costs who is there nothing; who comes back is told."""
    redis = redis_servers()
    nodes = cluster.nodes(redis.url(), 2)
    streams = [listen(node, "c") for node in nodes]
    for node in nodes:
        node.watch("c")
    for number in range(5):
        last = nodes[0].publish("c", number)
    for stream in streams:
        assert stream.take(5)[-1].id == last
    if how == "restart":
        redis.restart(keep=False)
        for node in nodes:
            node.wait_until_connected(2)
    else:
        redis("FLUSHALL")
    first = nodes[0].publish("c", "new")
    assert first.rpartition("-")[0] != last.rpartition("-")[0]
    for stream, node in zip(streams, nodes, strict=True):
        events = stream.until("new")
        assert events[-1].id == first
        if how == "restart":
            assert [event.type for event in events] == ["stream-reset", "m"]
            node.log.wait("^gap\tc$")
            assert node.told("gap") == ["c"]
        assert [data for _, _, data in node.history("c")] == ["new"]
        back = listen(node, "c", last_id=last)
        assert back.take(2) == [Event("stream-reset", first, None), Event("m", "new", first)]
    second = nodes[1].publish("c", "newer")
    for stream in streams:
        assert stream.next() == Event("m", "newer", second)
