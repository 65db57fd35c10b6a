"""Subscribers of channels that are cut off at any byte, and come back."""

import asyncio
import heapq
import random
import socket
import struct
from math import inf

CHANNELS = [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"]
EVENTS = 20_000
LIVES = 6  # connections of one subscriber that may be cut off
END = b"\ndata: end"  # of the last event of a channel


class Run:
    """What has been published so far, and who waits for how much."""

    def __init__(self, seed, port):
        self.random = random.Random(seed)
        self.port = port
        self.posted = dict.fromkeys(CHANNELS, 0)  # the last number whose request may have left
        self.order = {}  # (channel, number): (id, data), as the server answered
        self.waiting = []
        self.interned = {}

    def note(self, channel, number, publication, data):
        self.order[channel, number] = (publication, data)
        while self.waiting and (self.waiting[0][0] <= len(self.order) or len(self.order) >= EVENTS):
            heapq.heappop(self.waiting)[2].set_result(None)

    async def published(self, count):
        """Waits until so many events are published."""
        if count > len(self.order) and len(self.order) < EVENTS:
            done = asyncio.get_running_loop().create_future()
            heapq.heappush(self.waiting, (count, id(done), done))
            await done

    def frames_of(self, channels):
        """What a stream of these channels must get, in order of publication: `(channel, number, bytes)`."""
        mine = [(channel, number) for channel, number in self.order if channel in channels]
        mine.sort(key=lambda key: int(self.order[key][0].rpartition(b"-")[2]))
        return [(*key, self.frame(*key)) for key in mine]

    def frame(self, channel, number):
        publication, data = self.order[channel, number]
        return b"id: %b\nevent: %b\ndata: %b" % (publication, channel, data)


class Subscriber:
    """A client that comes back with the last id it has seen."""

    def __init__(self, run):
        self.run = run
        self.channels = run.random.sample(CHANNELS, run.random.randint(1, 4))
        self.start = run.random.randrange(EVENTS * 2 // 5)
        self.budgets = [self.budget() for _ in range(run.random.randint(0, LIVES))] + [inf]
        self.has_id = asyncio.get_running_loop().create_future()
        self.cuts = 0  # ends within an event
        self.begin_anew()

    def budget(self):
        """After how many bytes a connection is cut off: before the head, in it, in the replay, in what is live."""
        return self.run.random.choice([0, self.run.random.randrange(400)] + [self.run.random.randrange(60_000)] * 3)

    def begin_anew(self):
        self.events = []
        self.ends = 0
        self.last_id = b""
        self.baseline = None

    async def live(self):
        await self.run.published(self.start)
        for budget in self.budgets:
            if not self.last_id:
                self.begin_anew()
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda budget=budget: Connection(self, budget), "127.0.0.1", self.run.port
            )
            await connection.ended
            if self.is_done():
                return
            await self.run.published(len(self.run.order) + self.run.random.randrange(300))

    def opened(self):
        if self.baseline is None:
            self.baseline = dict(self.run.posted)

    def take(self, event):
        self.events.append(self.run.interned.setdefault(event, event))
        self.ends += event.endswith(END)
        if event.startswith(b"id: "):
            self.last_id = event[4 : event.index(b"\n")]
            if not self.has_id.done():
                self.has_id.set_result(None)

    def is_done(self):
        """Whether the last event of each channel is here."""
        return self.ends == len(self.channels)


class Connection(asyncio.Protocol):
    """One connection of a subscriber: cut off by a FIN or a RST when `budget` bytes were read."""

    def __init__(self, subscriber, budget):
        self.subscriber = subscriber
        self.budget = budget
        self.unread = b""
        self.has_head = False
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        request = b"GET /sub?channels=%b HTTP/1.1\r\nHost: localhost\r\n" % b",".join(self.subscriber.channels)
        if self.subscriber.last_id:
            request += b"Last-Event-ID: %b\r\n" % self.subscriber.last_id
        transport.write(request + b"\r\n")
        if self.budget == 0:
            self.cut()

    def data_received(self, piece):
        if self.ended.done():
            return
        piece = piece[: min(self.budget, len(piece))]
        self.budget -= len(piece)
        self.unread += piece
        if not self.has_head:
            head, end, self.unread = self.unread.partition(b"\r\n\r\n")
            if not end:
                self.unread = head
            else:
                assert head.startswith(b"HTTP/1.1 200 "), head
                self.has_head = True
                self.subscriber.opened()
        if self.has_head:
            *events, self.unread = self.unread.split(b"\n\n")
            for event in events:
                while event.startswith(b":"):
                    event = event.partition(b"\n")[2]
                self.subscriber.take(event)
        if self.subscriber.is_done() or self.budget == 0:
            self.cut()

    def connection_lost(self, error):
        if not self.ended.done():
            self.ended.set_exception(AssertionError(f"the server ended a stream: {error}, after {self.unread[-200:]}"))

    def cut(self):
        self.subscriber.cuts += bool(self.unread)
        if self.subscriber.run.random.random() < 0.5:
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()
        else:
            self.transport.close()
        self.ended.set_result(None)
