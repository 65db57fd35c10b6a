"""Who is in a channel, counted over all nodes, also of nodes that die; and members that another node removes."""

import signal
import time

import pytest

from cluster import PATIENCE, REMOVAL

OK, ERR_TIMEOUT, ERR_DOES_NOT_EXIST = 0, 24, 33
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def redis(redis_servers):
    return redis_servers(persistent=True)


@pytest.fixture
def three(cluster, redis):
    return cluster.nodes(redis.url(), 3)


def uuid_of(stream):
    event = stream.next()
    assert event.type == "uuid"
    return event.data


def wait_until_told(nodes, word, wanted):
    """Waits until these nodes have told this of the watched channels: a list for each."""
    deadline = time.monotonic() + PATIENCE
    while [node.told(word) for node in nodes] != wanted:
        assert time.monotonic() < deadline, f"{[node.told(word) for node in nodes]} instead of {wanted}"
        time.sleep(0.02)


# MARK: counts


def test_the_count_is_that_of_all_nodes(three, listen):
    assert [node.count("c") for node in three] == [(0, None)] * 3
    streams = [listen(three[number % 3], "c") for number in range(8)]
    other = listen(three[0], ["c", "d"])
    assert [node.count("c") for node in three] == [(9, None)] * 3
    assert [node.count("d") for node in three] == [(1, None)] * 3
    other.close()
    for stream in streams[:4]:
        stream.close()
    for node in three:
        node.wait_for_count("c", 4)
        node.wait_for_count("d", 0)


def test_occupied_and_vacated_are_told_once_by_the_node_of_the_first_and_of_the_last(three, listen):
    for node in three:
        node.watch("c")
    first, second = listen(three[0], "c"), listen(three[1], "c")
    third = listen(three[1], "c")
    wait_until_told(three, "occupied", [["c"], [], []])
    first.close()
    three[2].wait_for_count("c", 2)
    second.close()
    three[2].wait_for_count("c", 1)
    third.close()
    wait_until_told(three, "vacated", [[], ["c"], []])
    listen(three[2], "c")
    wait_until_told(three, "occupied", [["c"], [], ["c"]])
    assert [node.told("vacated") for node in three] == [[], ["c"], []]
    assert [node.told("gap") for node in three] == [[], [], []]


def test_many_that_come_and_go_agree_in_the_end(three, listen):
    for node in three:
        node.watch("c")
    for number in range(60):
        listen(three[number % 3], "c").close()
    for node in three:
        node.wait_for_count("c", 0)
    deadline = time.monotonic() + PATIENCE
    while sum(len(node.told("occupied")) for node in three) != sum(len(node.told("vacated")) for node in three):
        assert time.monotonic() < deadline
    assert any(node.told("occupied") for node in three)


def test_a_node_that_stops_leaves_a_count_that_is_right_at_once(three, listen):
    for node in three:
        node.watch("c", "alone")
    listen(three[0], "c")
    for _ in range(5):
        listen(three[1], ["c", "alone"])
    assert three[0].count("c") == (6, None)
    three[1].stop()
    assert [three[0].count("c"), three[2].count("c")] == [(1, None)] * 2
    assert three[2].count("alone") == (0, None)
    told = [node.told("vacated") for node in three]
    assert sum(told, []).count("alone") <= 1 and "c" not in sum(told, [])


def test_a_node_that_dies_is_noticed_in_15_seconds(three, listen):
    """Its members are counted no more, what they alone were in is vacated, told once, and nobody can remove them."""
    living = [three[0], three[2]]
    for node in living:
        node.watch("c", "alone")
    listen(three[0], "c", uuid=1)
    dying = [listen(three[1], ["c", "alone"], uuid=1) for _ in range(3)]
    uuid = uuid_of(dying[0])
    assert three[0].count("c") == (4, None)
    three[1].kill()
    killed = time.monotonic()
    for node in living:
        node.wait_for_count("c", 1, timeout=REMOVAL + killed - time.monotonic())
        node.wait_for_count("alone", 0, timeout=REMOVAL + killed - time.monotonic())
    while not any(node.told("vacated") for node in living):
        assert time.monotonic() < killed + REMOVAL
        time.sleep(0.05)
    assert three[0].remove(uuid, "c") == ERR_DOES_NOT_EXIST
    time.sleep(1)  # for a second one that would be one too many
    assert sorted(node.told("vacated") for node in living) == [[], ["alone"]]


def test_a_node_that_was_stopped_too_long_counts_again_when_it_goes_on(three, listen):
    """The others have taken it for dead; what it missed meanwhile its members get."""
    stream = listen(three[1], "c")
    three[1].process.send_signal(signal.SIGSTOP)
    try:
        three[0].wait_for_count("c", 0, timeout=REMOVAL)
        missed = [three[0].publish("c", number) for number in range(5)]
    finally:
        three[1].process.send_signal(signal.SIGCONT)
    assert [event.id for event in stream.take(5)] == missed
    three[0].wait_for_count("c", 1)
    live = three[2].publish("c", "live")
    assert stream.next().id == live


def test_a_redis_that_lost_everything_gets_the_counts_again(three, listen, redis):
    listen(three[0], "c")
    listen(three[1], "c")
    redis.restart(keep=False)
    for node in three:
        node.wait_until_connected(2)
        node.wait_for_count("c", 2, timeout=REMOVAL)
    redis("FLUSHALL")
    for node in three:
        node.wait_for_count("c", 2, timeout=REMOVAL)


# MARK: removal


def test_a_stream_of_another_node_is_removed_from_a_channel(three, listen):
    stream, other = listen(three[0], ["a", "b"], uuid=1), listen(three[0], "a")
    uuid = uuid_of(stream)
    before = three[1].publish("a", "before")
    assert stream.next().id == other.next().id == before
    assert three[1].remove(uuid, "a") == OK
    three[2].publish("a", "after")
    after = three[2].publish("b", "in b")
    assert stream.next().id == after
    assert other.next().data == "after"
    assert three[2].count("a") == (1, None)
    assert three[2].count("b") == (1, None)


def test_what_is_not_in_the_channel_cannot_be_removed(three, listen):
    stream = listen(three[0], "a", uuid=1)
    uuid = uuid_of(stream)
    for node in three:
        assert node.remove(NOBODY, "a") == ERR_DOES_NOT_EXIST
        assert node.remove(uuid, "b") == ERR_DOES_NOT_EXIST
    assert three[1].remove(uuid, "a") == OK
    for node in three:
        assert node.remove(uuid, "a") == ERR_DOES_NOT_EXIST
    stream.close()


def test_a_node_that_does_not_answer_is_waited_for_two_seconds(three, listen):
    uuid = uuid_of(listen(three[0], "a", uuid=1))
    three[0].process.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        assert three[1].remove(uuid, "a") == ERR_TIMEOUT
        assert 1.5 < time.monotonic() - start < 5
    finally:
        three[0].process.send_signal(signal.SIGCONT)
    assert three[1].remove(uuid, "a") in (OK, ERR_DOES_NOT_EXIST)
    three[1].wait_for_count("a", 0)
