"""Load on a cluster: clients that follow the nodes that are left, publishers that do, and what is wrong in the end."""

import asyncio
import json
import random
from contextlib import suppress

from cluster import parse_event, query

CHANNELS = ["a", "b", "c", "d", "e", "f"]
END = "end"  # begins the data of the last event of a channel; of all others it is: channel, publisher, number
PAUSE = 0.05  # seconds before a client whose node is gone asks another one


class Load:
    """What was published through which nodes, and who listens to them.

    A number of a publisher is sent once. Where its answer is an error or never comes it may be published or not; but if
    anybody gets it then everybody must.
    """

    def __init__(self, seed, ports, events, *, publishers=6):
        self.random = random.Random(seed)
        self.ports = list(ports)  # of the nodes that serve
        self.events = events
        self.publishers = publishers
        self.sent = 0
        self.acknowledged = {}  # id: data
        self.errors = []  # what was answered instead of an id
        self.lost = 0  # answers that did not come
        self.interned = {}
        self._changed = asyncio.Condition()

    async def run(self, subscribers, disturb, time_limit):
        """All of it, to the end of each channel at each subscriber."""
        async with asyncio.timeout(time_limit), asyncio.TaskGroup() as tasks:
            for subscriber in subscribers:
                tasks.create_task(subscriber.live())
            disturbance = tasks.create_task(disturb(self))
            async with asyncio.TaskGroup() as publishers:
                for number in range(self.publishers):
                    share = len(range(number, self.events, self.publishers))
                    publishers.create_task(self._publish(number, share))
            await disturbance
            for channel in CHANNELS:
                await self._publish_end(channel)

    async def reached(self, count):
        """Waits until so many events have an id."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.acknowledged) >= count)

    async def _publish(self, number, count):
        place = 0
        while place < count:
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.random.choice(self.ports))
                try:
                    for _ in range(self.random.randint(1, 8)):  # batches through one node
                        batch = range(place, min(count, place + self.random.randint(1, 16)))
                        place = batch.stop
                        texts = [f"{self.random.choice(CHANNELS)} {number} {index}" for index in batch]
                        await self._publish_batch(reader, writer, texts)
                finally:
                    writer.close()
                continue
            await asyncio.sleep(PAUSE)

    async def _publish_batch(self, reader, writer, batch):
        self.sent += len(batch)
        self.lost += len(batch)
        for data in batch:
            writer.write(request(channel_of(data), data))
        for data in batch:
            answer = await read_answer(reader)
            self.lost -= 1
            await self._note(answer, data)

    async def _note(self, answer, data):
        if "id" in answer:
            self.acknowledged[answer["id"]] = data
            async with self._changed:
                self._changed.notify_all()
        else:
            self.errors.append(answer["error"])
            await asyncio.sleep(PAUSE)

    async def _publish_end(self, channel):
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.random.choice(self.ports))
                try:
                    writer.write(request(channel, f"{END} {channel}"))
                    answer = await read_answer(reader)
                finally:
                    writer.close()
                if "id" in answer:
                    self.acknowledged[answer["id"]] = f"{END} {channel}"
                    return
            await asyncio.sleep(PAUSE)


def request(channel, data):
    body = data.encode()
    return b"POST /publish?%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (
        query(channel).encode(),
        len(body),
        body,
    )


async def read_answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return json.loads(await reader.readexactly(int(lengths[0].partition(b":")[2])))


class Subscriber:
    """A client that comes back, to any node, with the last id it has seen. It wants all there is of its channels."""

    def __init__(self, load):
        self.load = load
        self.channels = load.random.sample(CHANNELS, load.random.randint(1, 3))
        # After how many events it leaves a node that has done nothing to it.
        self.moves = [load.random.randrange(1, max(2, load.events // 3)) for _ in range(load.random.randint(0, 3))]
        self.events = []
        self.last_id = None
        self.ends = 0
        self.connections = 0

    async def live(self):
        while self.ends < len(self.channels):
            port = self.load.random.choice(self.load.ports)
            try:
                transport, connection = await asyncio.get_running_loop().create_connection(
                    lambda: Connection(self), "127.0.0.1", port
                )
            except OSError:
                await asyncio.sleep(PAUSE)
                continue
            self.connections += 1
            try:
                await connection.ended
            finally:
                transport.abort()
            if self.ends < len(self.channels):
                await asyncio.sleep(PAUSE * self.load.random.random())

    def request(self):
        rest = {"lastEventId": self.last_id} if self.last_id else {"replay": "all"}
        return f"GET /sub?{query(self.channels, **rest)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    def take(self, block):
        """Whether it stays after this event."""
        event = self.load.interned.setdefault(block, None) or parse_event(block)
        if not event:
            return True
        self.load.interned[block] = event
        self.events.append(event)
        if event.id:
            self.last_id = event.id
        self.ends += event.data.startswith(END)
        is_moving = bool(self.moves) and len(self.events) >= self.moves[-1]
        if is_moving:
            self.moves.pop()
            self.moves = [place + len(self.events) for place in self.moves]
        return self.ends < len(self.channels) and not is_moving


class Connection(asyncio.Protocol):
    """One connection of a subscriber. What came of an event that is not whole is forgotten."""

    def __init__(self, subscriber):
        self.subscriber = subscriber
        self.unread = b""
        self.has_head = False
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.subscriber.request())

    def data_received(self, piece):
        if self.ended.done():
            return
        self.unread += piece
        if not self.has_head:
            head, end, rest = self.unread.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 200 "), head
            self.has_head, self.unread = True, rest
        *blocks, self.unread = self.unread.split(b"\n\n")
        for block in blocks:
            if not self.subscriber.take(block):
                self.ended.set_result(None)
                return

    def connection_lost(self, error):
        if not self.ended.done():
            self.ended.set_result(None)


# MARK: what is wrong


def sequence_of(id):
    return int(id.rpartition("-")[2])


def faults(load, subscribers):
    """A line for each thing that was promised otherwise."""
    found = []
    order = {}  # id: data, of all that anybody knows
    for source in (load.acknowledged, *({event.id: event.data for event in each.events} for each in subscribers)):
        for id, data in source.items():
            if order.setdefault(id, data) != data:
                found.append(f"{id} is {data!r} and {order[id]!r}")
    if None in order:
        return [*found, f"an event without an id: {order[None]!r}"]
    if len(epochs := {id.rpartition("-")[0] for id in order}) != 1:
        found.append(f"epochs: {epochs}")
    ids = sorted(order, key=sequence_of)
    found += doubled(ids, order) + out_of_turn(ids, order)
    for number, subscriber in enumerate(subscribers):
        wanted = [id for id in ids if channel_of(order[id]) in subscriber.channels]
        if fault := difference([event.id for event in subscriber.events], wanted, order):
            found.append(f"subscriber {number}: {fault}")
    return found


def channel_of(data):
    first, second, *_ = data.split(" ")
    return second if first == END else first


def doubled(ids, order):
    seen = {}
    found = []
    for id in ids:
        if (data := order[id]) in seen and not data.startswith(END):
            found.append(f"{data!r} is published twice: {seen[data]}, {id}")
        seen[data] = id
    return found


def out_of_turn(ids, order):
    """The numbers of a publisher rise."""
    last = {}
    found = []
    for id in ids:
        if order[id].startswith(END):
            continue
        _, publisher, number = order[id].split(" ")
        if int(number) < last.get(publisher, -1):
            found.append(f"{id}: {number} of publisher {publisher} comes after {last[publisher]}")
        last[publisher] = int(number)
    return found


def difference(got, wanted, order):
    for place, (is_, should) in enumerate(zip(got, wanted, strict=False)):
        if is_ != should:
            around = got[max(0, place - 2) : place]
            return f"{is_} {order[is_]!r} at {place} instead of {should} {order[should]!r}, after {around}"
    return None if len(got) == len(wanted) else f"{len(got)} events instead of {len(wanted)}; the last is {got[-1:]}"
