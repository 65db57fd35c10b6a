"""The load of the cluster's tests, on one node without a Redis; and that its checks find what is wrong."""

import asyncio
from types import SimpleNamespace

import pytest

from cluster import SCRIPT, Event
from cluster_soak import Load, Subscriber, faults

REDIS = SCRIPT[: SCRIPT.index("publisher.connected")]
MEMORY = SCRIPT.replace(REDIS, "publisher = SSEPublisher.memory()\n")


def test_clients_that_move_get_every_event_once_and_in_order(serve, scripts):
    server = serve(scripts(main=MEMORY))

    async def disturb(load):
        await load.reached(500)

    async def soak():
        load = Load(1, [server.port], 2000)
        subscribers = [Subscriber(load) for _ in range(40)]
        await load.run(subscribers, disturb, 40)
        return load, subscribers

    load, subscribers = asyncio.run(soak())
    assert faults(load, subscribers) == []
    assert len(load.acknowledged) == 2006 and not load.errors and not load.lost
    assert sum(subscriber.connections for subscriber in subscribers) > 60


GOOD = [("e-1", "a 0 0"), ("e-2", "b 0 1"), ("e-4", "a 1 0"), ("e-5", "end a"), ("e-6", "end b")]
OF_A = [GOOD[0], GOOD[2], GOOD[3]]
LATE = ("e-3", "a 2 0")


@pytest.mark.parametrize(
    "first, second, said",
    [
        (GOOD, OF_A, None),
        ([*GOOD[:2], LATE, *GOOD[2:]], [OF_A[0], LATE, *OF_A[1:]], None),
        ([*GOOD[:2], LATE, *GOOD[2:]], OF_A, "subscriber 1: e-4 'a 1 0' at 1 instead of e-3 'a 2 0'"),
        (GOOD, OF_A[:2], "subscriber 1: 2 events instead of 3"),
        (GOOD, OF_A[1:], "subscriber 1: e-4 'a 1 0' at 0 instead of e-1 'a 0 0'"),
        (GOOD, [OF_A[0], *OF_A], "subscriber 1: e-1 'a 0 0' at 1 instead of e-4 'a 1 0'"),
        (GOOD, [OF_A[1], OF_A[0], OF_A[2]], "subscriber 1: e-4 'a 1 0' at 0 instead of e-1"),
        (GOOD, [*OF_A, ("e-7", "a 1 1")], "subscriber 0: 5 events instead of 6"),
        ([*GOOD, ("e-7", "a 0 0")], [*OF_A, ("e-7", "a 0 0")], "'a 0 0' is published twice: e-1, e-7"),
        ([*GOOD, ("e-7", "b 0 0")], OF_A, "e-7: 0 of publisher 0 comes after 1"),
        (GOOD, [OF_A[0], ("e-4", "a 1 1"), OF_A[2]], "e-4 is 'a 1 1' and 'a 1 0'"),
        (GOOD, [OF_A[0], ("f-4", "a 1 0"), OF_A[2]], "epochs: "),
        (GOOD, [OF_A[0], (None, ""), *OF_A[1:]], "an event without an id: ''"),
    ],
)
def test_the_check_finds_what_is_wrong(first, second, said):
    subscribers = [
        SimpleNamespace(channels=channels, events=[Event("m", data, id) for id, data in events])
        for channels, events in ((["a", "b"], first), (["a"], second))
    ]
    found = faults(SimpleNamespace(acknowledged=dict(GOOD)), subscribers)
    assert (not found) if said is None else any(line.startswith(said) for line in found), found
