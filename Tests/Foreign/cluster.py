"""Nodes that share a Redis, and streams of them."""

import json
import time
from typing import NamedTuple
from urllib.parse import urlencode

import httpx

from support import PATIENCE, Client

PREFIX = "test"  # the sync_channel of a node that is told no other
REMOVAL = 15  # seconds until a node that died is noticed

SCRIPT = """
redis = Redis.connect(Env.get("REDIS_URL", ""))
redis.connected:connect(function() print("redis connected") end)
redis.disconnected:connect(function(reason) print("redis disconnected", reason) end)
publisher = SSEPublisher.redis(redis, Env.get("SYNC", "test"))
publisher.connected:connect(function() print("publisher connected") end)
publisher.disconnected:connect(function(reason) print("publisher disconnected", reason) end)
publisher:configure("short*", { history = 10 })
publisher:configure("state*", {
  history = 20000,
  snapshot = function(connection, channel) return { type = "snapshot", data = "so far" } end,
})
publisher:configure("*", { history = 20000 })
print("started", publisher:start())

-- Names come as hexadecimal digits: they may be any bytes.
local function name_of(digits)
  return (digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function channel_of(request) return publisher:channel(name_of(request:get_query_param("channel"))) end

local function event_of(request)
  local id = request:get_query_param("id")
  return { id = id ~= "" and id or nil, type = request:get_query_param("type", "m"), data = request.body }
end

HTTPServer.register_route("GET", "/sub", function(request, response)
  local channels = {}
  for index, name in ipairs(request:get_query_params("channel")) do
    channels[index] = publisher:channel(name_of(name))
  end
  local replay = request:get_query_param("replay")
  local connection = response:start_sse {
    channels = channels, ping_duration = 0, max_buffered_bytes = 64 << 20,
    replay = replay == "" or math.tointeger(replay) or replay,
  }
  if request:has_query_param("uuid") then connection:send("uuid", connection.uuid) end
end)

HTTPServer.register_route("POST", "/publish", function(request, response)
  local id, err = channel_of(request):publish_and_wait(event_of(request))
  response:set_json { id = id, error = err }
end)

-- Publishes so many, their data the body and a number; says how many were taken, and what the first that was not got.
HTTPServer.register_route("POST", "/queue", function(request, response)
  local channel, event, taken = channel_of(request), event_of(request), 0
  local first = math.tointeger(request:get_query_param("first", "1"))
  for number = first, first + math.tointeger(request:get_query_param("count", "1")) - 1 do
    event.data = request.body .. number
    local err = channel:publish(event)
    if err ~= OK then return response:set_json { taken = taken, error = err } end
    taken = taken + 1
  end
  response:set_json { taken = taken }
end)

HTTPServer.register_route("POST", "/large", function(request, response)
  response:set_json(channel_of(request):publish("m", ("x"):rep(math.tointeger(request:get_query_param("count")))))
end)

HTTPServer.register_route("GET", "/count", function(request, response)
  local count, err = channel_of(request):count()
  response:set_json { count = count, error = err }
end)

HTTPServer.register_route("GET", "/history", function(request, response)
  local kept = JSON.array {}
  for index, event in ipairs(channel_of(request):history(math.tointeger(request:get_query_param("n", "100000")))) do
    kept[index] = { event.id, event.type, event.data }
  end
  response:set_json(kept)
end)

HTTPServer.register_route("POST", "/remove", function(request, response)
  local id = request:get_query_param("uuid")
  response:set_json { error = publisher:remove(math.tointeger(id) or id, channel_of(request).name) }
end)

-- Tells in the log what happens to a channel from now on.
local watched = {}
HTTPServer.register_route("POST", "/watch", function(request, response)
  local channel = channel_of(request)
  watched[#watched + 1] = channel
  channel.occupied:connect(function() print("occupied", channel.name) end)
  channel.vacated:connect(function() print("vacated", channel.name) end)
  channel.gap:connect(function() print("gap", channel.name) end)
end)

HTTPServer.register_route("GET", "/alive", function(request, response) response.body = "yes" end)
"""


class Event(NamedTuple):
    type: str
    data: str
    id: str | None


def parse_event(block):
    """An event from its lines; None for comments alone."""
    fields = {}
    for line in block.decode().split("\n"):
        name, _, value = line.partition(":")
        if name:
            fields.setdefault(name, []).append(value.removeprefix(" "))
    if "data" not in fields:
        return None
    [kind], [id] = fields.get("event", ["message"]), fields.get("id", [None])
    return Event(kind, "\n".join(fields["data"]), id)


def query(channel=(), **parameters):
    """A query; the channel may be several."""
    names = [channel] if isinstance(channel, (str, bytes)) else channel
    return urlencode([("channel", as_bytes(name).hex()) for name in names] + list(parameters.items()))


def as_bytes(text):
    return text if isinstance(text, bytes) else str(text).encode()


class Stream(Client):
    """A stream whose head, and the byte behind it, are here."""

    def __init__(self, node, channels, *, last_id=None, replay=None, path="/sub", tls=None, **parameters):
        parameters |= {"lastEventId": last_id} if last_id else {}
        parameters |= {"replay": replay} if replay else {}
        super().__init__(node, f"{path}?{query(channels, **parameters)}", tls=tls)
        head = self.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        self.read_until(b":\n")

    def next(self, timeout=PATIENCE):
        """The next event."""
        self.socket.settimeout(timeout)
        while not (event := parse_event(self.read_until(b"\n\n")[:-2])):
            pass
        return event

    def take(self, count):
        return [self.next() for _ in range(count)]

    def data(self, count):
        """The data of so many events."""
        return [event.data for event in self.take(count)]

    def until(self, data):
        """The events up to and with the first of this data."""
        events = [self.next()]
        while events[-1].data != data:
            events.append(self.next())
        return events

    def has_ended(self):
        """Reads up to the end, which must come."""
        self.read_to_end()
        return True


class Node:
    """One of the servers that share a Redis."""

    def __init__(self, server):
        self.server = server
        self.log = server.log
        self.process = server.process
        self.port = server.port

    def request(self, method, path, body=b"", timeout=PATIENCE, **parameters):
        url = f"{self.server.url}{path}?{query(**parameters)}"
        answer = httpx.request(method, url, content=as_bytes(body), timeout=timeout)
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text}"
        return answer.text

    def publish(self, channel, data, **parameters):
        """The id, once Redis has it."""
        answer = self.try_to_publish(channel, data, **parameters)
        assert "id" in answer, f"not published: {answer}\n{self.log}"
        return answer["id"]

    def try_to_publish(self, channel, data, **parameters):
        return json.loads(self.request("POST", "/publish", data, channel=channel, **parameters))

    def queue(self, channel, data, **parameters):
        """How many were taken, and the error of the first that was not."""
        answer = json.loads(self.request("POST", "/queue", data, channel=channel, **parameters))
        return answer["taken"], answer.get("error", 0)

    def count(self, channel):
        answer = json.loads(self.request("GET", "/count", channel=channel))
        return answer.get("count"), answer.get("error")

    def wait_for_count(self, channel, count, timeout=PATIENCE):
        deadline = time.monotonic() + timeout
        while (answer := self.count(channel)) != (count, None):
            assert time.monotonic() < deadline, f"{answer} in {channel} instead of {count} after {timeout} s\n{self.log}"
            time.sleep(0.02)

    def history(self, channel, n=100_000):
        return [tuple(event) for event in json.loads(self.request("GET", "/history", channel=channel, n=n))]

    def remove(self, id, channel):
        return json.loads(self.request("POST", "/remove", uuid=id, channel=channel))["error"]

    def watch(self, *channels):
        for channel in channels:
            self.request("POST", "/watch", channel=channel)

    def told(self, word):
        """What the log tells of watched channels: `told("occupied")` gives their names, in order."""
        return [record["message"].split("\t", 1)[1] for record in self.log.find(rf"^{word}\t")]

    def wait_until_connected(self, count=1, timeout=PATIENCE):
        self.log.wait("^publisher connected$", count, timeout)
        return self

    def connections(self):
        """How often the publisher was connected so far."""
        return len(self.log.find("^publisher connected$"))

    def is_alive(self):
        return self.request("GET", "/alive", timeout=5) == "yes"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.server.stop()


class Cluster:
    """Starts nodes."""

    def __init__(self, serve, directory, **options):
        self._serve = serve
        self._directory = directory
        self._options = options

    def node(self, url, *options, sync=PREFIX, connected=True, port=0, **rest):
        """A node of the Redis at this URL, connected unless that is not waited for."""
        prefix = ["env", f"REDIS_URL={url}", f"SYNC={sync}"]
        node = Node(self._serve(self._directory, *options, prefix=prefix, port=port, **self._options, **rest))
        return node.wait_until_connected() if connected else node

    def nodes(self, url, count, *options, **rest):
        return [self.node(url, *options, **rest) for _ in range(count)]
