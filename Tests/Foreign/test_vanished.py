"""Clients that went without FIN or RST, or that take nothing: gone after a minute. All of them at the same time.

They are in a network of their own, whose links are cut while streams are open.
"""

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from support import BINARY, PATIENCE, Server

# A minute, and as long again as a client may hear nothing; then some for the machine.
LONGEST = 60 + 15
TOLERANCE = 2
pytestmark = pytest.mark.timeout(LONGEST + 60)

SCRIPT = """
local names, flooded = {}, {}

HTTPServer.register_route("GET", "/stream/{name}", function(request, response)
  local name, query = request.path_params.name, request.query_params
  local connection = response:start_sse {
    ping_duration = query.ping and tonumber(query.ping),
    on_slow = "drop_oldest",
    max_buffered_bytes = 4 << 20,
  }
  names[connection.connection_id] = name
  if query.flood then flooded[#flooded + 1] = connection end
end)
HTTPServer.register_route("GET", "/answer/{name}", function(request)
  local name = request.path_params.name
  local ended <close> = setmetatable({}, { __close = function() print("closed", name, "ended") end })
  print("opened", name)
  sleep(86400)
end)
HTTPServer.sse_connection_opened:connect(function(id) print("opened", names[id]) end)
HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", names[id], reason) end)

local text = ("x"):rep(100000)
local timer = Timer.new { wait_time = 0.25, autostart = true }
timer.timeout:connect(function()
  for _, connection in ipairs(flooded) do connection:send("big", text) end
end)
"""

# The links: how each is cut. A server learns nothing from the first, as from most networks; the second loses its
# carrier, so that packets to it cannot even be sent.
CUTS = {
    "silent": ["addr", "flush", "dev"],
    "unplugged": ["link", "set", "down", "dev"],
    "intact": None,
}

# Each client's link (None is loopback), path, and how it ends (None: not).
VANISHING = {
    "silent, with heartbeats": ("silent", "/stream/{}", "client"),
    "silent, kept alive": ("silent", "/stream/{}?ping=0", "client"),
    "silent, with a full queue": ("silent", "/stream/{}?flood=1", "slow"),
    "silent, waiting for an answer": ("silent", "/answer/{}", "ended"),
    "unplugged, with heartbeats": ("unplugged", "/stream/{}", "client"),
    "unplugged, kept alive": ("unplugged", "/stream/{}?ping=0", "client"),
    "unplugged, waiting for an answer": ("unplugged", "/answer/{}", "ended"),
}
STUCK = {
    "stuck on loopback": (None, "/stream/{}?flood=1", "slow"),
    "stuck on a link": ("intact", "/stream/{}?flood=1&ping=0", "slow"),
}
READING = {
    "reading on loopback": (None, "/stream/{}?flood=1", None),
    "reading on a link": ("intact", "/stream/{}?flood=1", None),
    "quiet on a link": ("intact", "/stream/{}?ping=0", None),
    "slow on a link": ("intact", "/stream/{}?flood=1", None),
}
CLIENTS = VANISHING | STUCK | READING


class Network:
    """Two network namespaces with links between them. They are gone when the processes in them are."""

    def __init__(self, stack):
        self.stack = stack
        self.server_side = self.hold("unshare", "-rn")
        self.client_side = self.hold(*self.server_side, "unshare", "-n")
        client_process = self.client_side[2]
        self.run(self.server_side, "ip", "link", "set", "lo", "up")
        self.addresses = {}
        for number, link in enumerate(CUTS):
            here, there, address = f"s{number}", f"c{number}", f"02:00:00:00:00:0{number}"
            peer = ["peer", "name", there, "address", address, "netns", client_process]
            self.run(self.server_side, "ip", "link", "add", here, "type", "veth", *peer)
            for side, device, host in [(self.server_side, here, 1), (self.client_side, there, 2)]:
                self.run(side, "ip", "addr", "add", f"10.0.{number}.{host}/24", "dev", device)
                self.run(side, "ip", "link", "set", device, "up")
            # As behind a router: that nobody answers ARP any more is not how the server learns of it.
            neighbour = ["ip", "neigh", "replace", f"10.0.{number}.2", "lladdr", address, "dev", here]
            self.run(self.server_side, *neighbour, "nud", "permanent")
            self.addresses[link] = f"10.0.{number}.1"

    def hold(self, *command):
        """Starts a process that keeps a namespace; returns what runs a command in it."""
        held = [*command, "sh", "-c", "echo made; exec sleep infinity"]
        process = subprocess.Popen(held, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.stack.enter_context(process)
        self.stack.callback(process.kill)
        if process.stdout.readline() != "made\n":
            pytest.fail(f"this machine permits no network namespaces: {command}: {process.stderr.read()}")
        return ["nsenter", "-t", str(process.pid), "-U", "--preserve-credentials", "-n"]

    def run(self, side, *command):
        result = subprocess.run([*side, *command], capture_output=True, text=True, timeout=PATIENCE)
        if result.returncode != 0:
            pytest.fail(f"this machine permits no networks of one's own: {' '.join(command)}: {result.stderr}")
        return result.stdout

    def cut(self, link):
        if CUTS[link]:
            self.run(self.client_side, "ip", *CUTS[link], f"c{list(CUTS).index(link)}")

    def connections(self):
        """The addresses that the kernel of the server's side still has a connection with, in whatever state."""
        lines = self.run(self.server_side, "ss", "-tnH", "state", "connected").splitlines()
        return [line.split()[-1] for line in lines]


class Results:
    """What became of the clients: `ends` has reasons and seconds after the cut, `still_read` who got more after it."""

    def __init__(self, network, server, clients, place):
        self.place = place
        start = time.monotonic()
        cut = datetime.now(UTC)
        for name in STUCK:
            clients[name].send_signal(signal.SIGSTOP)
        for link in CUTS:
            network.cut(link)
        self.ends = {}
        for name in VANISHING | STUCK:
            left = start + LONGEST + TOLERANCE - time.monotonic()
            try:
                record = server.log.wait(f"^closed\t{name}\t", timeout=max(0, left))
            except AssertionError:
                continue  # the test of this client says so
            at = datetime.fromisoformat(record["time"])
            self.ends[name] = record["message"].split("\t")[2], (at - cut).total_seconds()
        self.connections = network.connections()
        sizes = {name: self.size(name) for name in READING}
        self.still_read = {
            name for name in READING if "flood=1" in CLIENTS[name][1] and self.grows(name, sizes[name])
        }
        self.ended_early = {name for name in READING if server.log.find(f"^closed\t{name}\t")}

    def size(self, name):
        return (self.place / name).stat().st_size

    def grows(self, name, size):
        deadline = time.monotonic() + PATIENCE
        while self.size(name) <= size:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


# A client that takes 64 KiB a second, of 400 KB that are sent. (curl with --limit-rate takes nothing for minutes.)
TAKE_SLOWLY = """
import socket, sys, time
address, port, path, file = sys.argv[1:]
with socket.create_connection((address, int(port))) as connection, open(file, "wb", buffering=0) as taken:
    connection.sendall(f"GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n".encode())
    while piece := connection.recv(8192):
        taken.write(piece)
        time.sleep(0.125)
"""


def start_client(network, server, name, place):
    link, path, _ = CLIENTS[name]
    side = network.client_side if link else network.server_side
    address = network.addresses[link] if link else "127.0.0.1"
    path = path.format(quote(name))
    command = ["curl", "-sSN", "-o", place / name, f"http://{address}:{server.port}{path}"]
    if name.startswith("slow"):
        command = [sys.executable, "-c", TAKE_SLOWLY, address, str(server.port), path, place / name]
    return subprocess.Popen([*side, *command], stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    place = tmp_path_factory.mktemp("vanished")
    (place / "main.lua").write_text(SCRIPT)
    with ExitStack() as stack:
        network = Network(stack)
        command = [BINARY, "serve", place, "--host", "0.0.0.0", "--port", 0, "--log-format", "json"]
        server = Server([*network.server_side, *command])
        stack.callback(server.clean_up)
        server.wait_until_listening()
        clients = {}
        for name in CLIENTS:
            clients[name] = stack.enter_context(start_client(network, server, name, place))
            stack.callback(clients[name].kill)
        for name in CLIENTS:
            server.log.wait(f"^opened\t{name}$")
        yield Results(network, server, clients, place)


@pytest.mark.parametrize("name", VANISHING)
def test_a_client_that_vanished_is_gone_after_a_minute(results, name):
    assert name in results.ends, f"still there after {LONGEST} s"
    reason, seconds = results.ends[name]
    assert reason == CLIENTS[name][2]
    # The minute may have begun with the last that came from the client, before the cut.
    assert 60 - 2 * TOLERANCE <= seconds <= LONGEST + TOLERANCE


@pytest.mark.parametrize("name", STUCK)
def test_a_client_that_takes_nothing_for_a_minute_is_too_slow(results, name):
    assert name in results.ends, f"still there after {LONGEST} s"
    reason, seconds = results.ends[name]
    assert reason == "slow"
    assert 60 - 2 * TOLERANCE <= seconds <= LONGEST + TOLERANCE


def test_the_kernel_keeps_nothing_of_the_vanished(results):
    assert [address for address in results.connections if address.startswith(("10.0.0.", "10.0.1."))] == []


def test_clients_that_read_stay(results):
    assert results.ended_early == set()
    assert results.still_read == {name for name in READING if not name.startswith("quiet")}
    assert len([address for address in results.connections if address.startswith("10.0.2.2:")]) == 3
