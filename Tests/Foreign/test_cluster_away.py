"""While Redis is away: what waits, for how long, how much of it, and what is told about the rest."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cluster import SCRIPT, Cluster, Event

OK, ERR_OUT_OF_MEMORY, ERR_TIMEOUT, ERR_CONNECTION_ERROR, ERR_BUSY = 0, 6, 24, 27, 44
MOST = 10_000  # publications that wait
MOST_BYTES = 16 << 20
LONGEST = 10  # seconds that one waits


@pytest.fixture
def cluster(serve, scripts):
    """Nodes that may log errors."""
    return Cluster(serve, scripts(main=SCRIPT), may_log_errors=True)


def queue_all(node, channel, count, step=500):
    """Queues one by one, some in each request; the number taken, and the first error."""
    taken = 0
    while taken < count:
        more, error = node.queue(channel, "n", count=min(step, count - taken), first=taken + 1)
        taken += more
        if error:
            return taken, error
    return taken, OK


def test_a_bounded_number_waits_and_all_of_it_arrives_when_redis_is_back(redis_servers, cluster, listen):
    redis = redis_servers(persistent=True)
    node, other = cluster.nodes(redis.url(), 2)
    streams = [listen(each, "c") for each in (node, other)]
    redis.kill()
    node.log.wait("^publisher disconnected\t.")
    assert queue_all(node, "c", MOST + 1) == (MOST, ERR_BUSY)
    assert node.try_to_publish("c", "x") == {"error": ERR_BUSY}
    assert other.queue("c", "of another ", count=5) == (5, OK)
    redis.restart()
    wanted = [f"n{number}" for number in range(1, MOST + 1)]
    others = [f"of another {number}" for number in range(1, 6)]
    for stream in streams:
        data = stream.data(MOST + 5)
        assert [text for text in data if text.startswith("n")] == wanted
        assert [text for text in data if not text.startswith("n")] == others
    assert node.try_to_publish("c", "there is room again").keys() == {"id"}


def test_a_bounded_number_of_bytes_waits(redis_servers, cluster, listen):
    redis = redis_servers(persistent=True)
    node = cluster.node(redis.url())
    stream = listen(node, "c")
    redis.kill()
    node.log.wait("^publisher disconnected\t.")
    size = 1_000_000
    errors = [int(node.request("POST", "/large", channel="c", count=size)) for _ in range(20)]
    taken = errors.index(ERR_BUSY)
    assert errors == [OK] * taken + [ERR_BUSY] * (20 - taken)
    assert MOST_BYTES - 2 * size <= taken * size <= MOST_BYTES
    redis.restart()
    assert [len(text) for text in stream.data(taken)] == [size] * taken


def wait_until_dropped(node, count):
    """Until the log has told of so many, in lines of a second each."""
    lines = 1
    while count > 0:
        said = node.log.wait("publication.*dropped", count=lines)
        count -= int(re.search(r"\d+", said["message"])[0])
        lines += 1
    assert count == 0, node.log


@pytest.mark.timeout(100)
def test_what_waited_too_long_is_dropped_and_said_to_be(redis_servers, cluster, listen):
    redis = redis_servers(persistent=True)
    node, other = cluster.nodes(redis.url(), 2)
    streams = [listen(each, "c") for each in (node, other)]
    seen, missed = node.publish("c", "seen"), node.publish("c", "missed")
    for stream in streams:
        assert stream.data(2) == ["seen", "missed"]
    redis.kill()
    killed = time.monotonic()
    node.log.wait("^publisher disconnected\t.")
    assert node.queue("c", "too old ", count=137) == (137, OK)
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(node.try_to_publish, "c", "too old as well", timeout=2 * LONGEST)

        # What needs no Redis goes on, and what needs it says so.
        assert node.is_alive() and other.is_alive()
        assert listen(other, "c", last_id=seen).next() == Event("m", "missed", missed)
        assert other.count("c") == (None, ERR_CONNECTION_ERROR)
        assert other.remove("00000000-0000-4000-8000-000000000000", "c") == ERR_CONNECTION_ERROR

        assert waits.result() == {"error": ERR_TIMEOUT}
        assert LONGEST - 1 < time.monotonic() - killed < LONGEST + 3
    for _ in range(30):
        if (answer := node.queue("c", "refused ", count=1)) != (1, OK):
            break
        time.sleep(0.1)
    assert answer == (0, ERR_CONNECTION_ERROR)
    assert node.try_to_publish("c", "refused") == {"error": ERR_CONNECTION_ERROR}
    wait_until_dropped(node, 138)

    redis.restart()
    for each in (node, other):
        each.wait_until_connected(2)
    back = node.publish("c", "back")
    for stream in streams:
        assert stream.until("back")[-1].id == back
    texts = [data for _, _, data in other.history("c")]
    assert [text for text in texts if text.startswith(("too old", "refused"))] == []


def test_a_redis_without_memory_is_told_to_who_publishes_and_works_again(redis_servers, cluster, listen):
    redis = redis_servers()
    node = cluster.node(redis.url())
    stream = listen(node, "c")
    redis("CONFIG", "SET", "maxmemory", 1)
    for _ in range(3):
        assert node.try_to_publish("c", "x") == {"error": ERR_OUT_OF_MEMORY}
    assert node.queue("c", "x", count=5) == (5, 0)  # refused in one piece
    assert node.try_to_publish("c", "x") == {"error": ERR_OUT_OF_MEMORY}
    assert "publisher disconnected" not in str(node.log)
    redis("CONFIG", "SET", "maxmemory", 0)
    id = node.publish("c", "again")
    assert stream.next() == Event("m", "again", id)


def test_a_node_that_begins_before_its_redis_serves_and_connects_later(redis_servers, cluster, listen):
    redis = redis_servers()
    redis.kill()
    node = cluster.node(redis.url(), connected=False)
    [warning, *_] = [record for record in node.log.records if record.get("level") == "warning"] or [
        node.log.wait(rf"(?i)redis.*{redis.port}")
    ]
    assert str(redis.port) in str(warning) and "redis" in str(warning).lower()
    assert node.is_alive()
    stream = listen(node, "c")
    assert node.queue("c", "early ", count=3) == (3, OK)
    redis.restart()
    node.wait_until_connected()
    assert stream.data(3) == ["early 1", "early 2", "early 3"]
    assert node.count("c") == (1, None)
