"""Channels under load: clients that are cut off at any byte come back, and miss and double nothing."""

import asyncio
import re

import pytest

from soak import CHANNELS, EVENTS, Run, Subscriber

SEEDS = [20_261_121]  # more of them for a long run
SUBSCRIBERS = 400
PUBLISHERS = 4
TIME_LIMIT = 100

SCRIPT = """
SSEPublisher.default:configure("*", { history = 5000 })
HTTPServer.register_route("GET", "/sub", function(request, response)
  local channels = {}
  for name in request:get_query_param("channels", ""):gmatch("[^,]+") do channels[#channels + 1] = name end
  response:start_sse { channels = channels }
end)
HTTPServer.register_route("POST", "/pub", function(request, response)
  local name = request:get_query_param("channel", "")
  response.body = HTTPServer.channel(name):publish_and_wait(name, request.body)
end)
"""


async def publish(run, channels, count, text=None):
    """Publishes from one connection, several requests at a time, the numbers of each channel rising by one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", run.port)
    while count:
        batch = []
        for _ in range(min(count, run.random.randint(1, 16))):
            channel = run.random.choice(channels)
            run.posted[channel] += 1
            batch.append((channel, run.posted[channel], text or b"%d" % run.posted[channel]))
        count -= len(batch)
        for channel, _, data in batch:
            writer.write(
                b"POST /pub?channel=%b HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
                % (channel, len(data), data)
            )
        for channel, number, data in batch:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            length = int(re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", head)[1])
            run.note(channel, number, await reader.readexactly(length), data)
    writer.close()
    await writer.wait_closed()


async def soak(seed, port):
    run = Run(seed, port)
    subscribers = [Subscriber(run) for _ in range(SUBSCRIBERS)]
    async with asyncio.timeout(TIME_LIMIT), asyncio.TaskGroup() as tasks:
        for subscriber in subscribers:
            tasks.create_task(subscriber.live())
        async with asyncio.TaskGroup() as publishers:
            for number in range(PUBLISHERS):
                publishers.create_task(publish(run, CHANNELS[number::PUBLISHERS], EVENTS // PUBLISHERS))
        # Who has no id could not resume what it misses from here.
        await asyncio.gather(*(subscriber.has_id for subscriber in subscribers))
        for channel in CHANNELS:
            await publish(run, [channel], 1, b"end")
    return run, subscribers


def fault(run, subscriber):
    """What is wrong with what a subscriber got, or None."""
    expected = run.frames_of(subscriber.channels)
    frames = [event for _, _, event in expected]
    got = subscriber.events
    if resets := [event for event in got if b"stream-reset" in event]:
        return f"{len(resets)} times stream-reset: {resets[0]}"
    if got[0] not in frames:
        return f"the first event was never published: {got[0]}"
    first = frames.index(got[0])
    due = next(index for index, (channel, number, _) in enumerate(expected) if number > subscriber.baseline[channel])
    if first > due:
        return f"it was open before {frames[due]} was published, and its first is {got[0]}"
    wanted = frames[first:]
    for index, (is_, should) in enumerate(zip(got, wanted, strict=False)):
        if is_ != should:
            return f"{is_} at {index} instead of {should}; before it {got[max(0, index - 3) : index]}"
    return None if len(got) == len(wanted) else f"{len(wanted) - len(got)} of {len(wanted)} events did not come"


@pytest.mark.timeout(TIME_LIMIT + 50)
@pytest.mark.parametrize("seed", SEEDS)
def test_clients_that_are_cut_off_and_come_back_get_every_event_once_and_in_order(serve, scripts, seed):
    server = serve(scripts(main=SCRIPT), "--threads", 4)
    run, subscribers = asyncio.run(soak(seed, server.port))
    faults = {number: text for number, subscriber in enumerate(subscribers) if (text := fault(run, subscriber))}
    assert not faults, "\n".join(f"{number}: {text}" for number, text in faults.items())
    assert sum(subscriber.cuts for subscriber in subscribers) > SUBSCRIBERS / 4
    server.stop()
