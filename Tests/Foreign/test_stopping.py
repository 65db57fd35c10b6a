"""SIGTERM and SIGINT: how the server stops."""

import re
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest

STOPPING = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])

STREAMS = """
HTTPServer.register_route("GET", "/events", function(request, response)
  local connection = response:start_sse()
  connection:send("hello", "there")
end)
HTTPServer.server_stopping:connect(function() print("server_stopping") end)
HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
return { _exit_tree = function() print("_exit_tree") end }
"""

# What keeps a server from stopping at once: a stream of more than the kernel holds, and handlers that wait.
FLOOD = """
HTTPServer.register_route("GET", "/flood", function(request, response)
  local connection = response:start_sse { max_buffered_bytes = 1 << 30 }
  local text = string.rep("x", 1 << 16)
  for number = 1, 160 do
    connection:send(text)
    sleep(0)
  end
  print("flooded")
end)
HTTPServer.register_route("GET", "/never", function(request, response)
  print("waiting")
  sleep(86400)
end)
HTTPServer.register_route("GET", "/soon", function(request, response)
  print("waiting")
  await(HTTPServer.server_stopping)
  sleep(0.2)
  response.body = "here it is"
end)
"""


@STOPPING
def test_a_signal_ends_streams_between_events_and_tells_clients_when_to_come_back(serve, connect, scripts, number):
    server = serve(scripts(main=STREAMS), "--threads", 4)
    clients = [connect(server, "/events") for _ in range(20)]
    for client in clients:
        client.read_until(b"\r\n\r\n:\nevent: hello\ndata: there\n\n")
    server.stop(number)
    ends = [client.read_to_end() for client in clients]
    retries = [int(re.fullmatch(rb"retry: (\d+)\n", end)[1]) for end in ends]
    assert all(1000 <= retry <= 5000 for retry in retries)
    assert len(set(retries)) > 10, "clients are spread, or they all come back at once"
    messages = [record["message"] for record in server.log.records]
    closed = [message for message in messages if message.startswith("closed")]
    assert sorted(closed) == sorted(f"closed\t{id}\tshutdown" for id in range(1, 21))
    assert messages.index("server_stopping") < messages.index(closed[0])
    assert messages.index("_exit_tree") > messages.index(closed[-1])


def test_a_server_that_stops_takes_no_more_connections(serve, connect, scripts):
    server = serve(scripts(main=FLOOD), "--shutdown-timeout", 2)
    connect(server, "/never")
    server.log.wait("^waiting$")
    server.send_signal(signal.SIGTERM)
    server.log.wait("^stopping$")
    with pytest.raises(ConnectionRefusedError):
        while True:  # accepted, then reset while the port is being closed, then refused
            with suppress(ConnectionResetError):
                socket.create_connection(("127.0.0.1", server.port)).close()
    assert server.process.poll() is None, "refused while the answer under way still has time"
    assert server.wait() == 0


@STOPPING
def test_an_answer_under_way_is_finished_first(serve, scripts, number):
    server = serve(scripts(main=FLOOD))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.get, f"{server.url}/soon")
        server.log.wait("^waiting$")
        server.stop(number)
        assert answer.result().text == "here it is"


def test_idle_connections_do_not_keep_the_server(serve, scripts):
    server = serve(scripts(main=STREAMS), "--shutdown-timeout", 600)
    with httpx.Client() as kept_alive, socket.create_connection(("127.0.0.1", server.port)) as silent:
        assert kept_alive.get(f"{server.url}/nothing").status_code == 404
        server.stop()
        assert silent.recv(1) == b""


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM first", "SIGINT first"])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=["then SIGTERM", "then SIGINT"])
@pytest.mark.parametrize(
    "path, begun", [("/flood", "flooded"), ("/never", "waiting")], ids=["a stream not read", "a handler that waits"]
)
def test_a_second_signal_stops_at_once(serve, connect, scripts, first, second, path, begun):
    server = serve(scripts(main=FLOOD), "--shutdown-timeout", 86400)
    connect(server, path, receive_buffer=4096)
    server.log.wait(f"^{begun}$")
    server.send_signal(first)
    server.log.wait("^stopping$")
    server.send_signal(second)
    assert server.wait(timeout=5) == 1
    assert server.log.find("second signal")
    assert not server.log.find("^stopped$")


def test_the_deadline_cuts_a_handler_that_waits(serve, connect, scripts):
    server = serve(scripts(main=FLOOD), "--shutdown-timeout", 0.3)
    client = connect(server, "/never")
    server.log.wait("^waiting$")
    server.stop()
    assert client.read_to_end() == b""


def test_the_deadline_resets_a_stream_that_is_inside_an_event(serve, connect, scripts):
    """A clean end would let the client take half an event for a whole one."""
    server = serve(scripts(main=FLOOD), "--shutdown-timeout", 0.3)
    client = connect(server, "/flood", receive_buffer=4096)
    server.log.wait("^flooded$")
    server.stop()
    with pytest.raises(ConnectionResetError):
        client.read_to_end()


@pytest.mark.parametrize("timeout", [0, 0.3])
def test_the_deadline_holds_with_many_streams(serve, connect, scripts, timeout):
    server = serve(scripts(main=STREAMS), "--shutdown-timeout", timeout)
    clients = [connect(server, "/events") for _ in range(50)]
    for client in clients:
        client.read_until(b"there\n\n")
    server.stop()


def test_a_signal_right_after_the_start_stops_the_server_gracefully(serve, scripts):
    directory = scripts(main="return { _exit_tree = function() print('_exit_tree') end }")
    for _ in range(20):
        server = serve(directory)
        server.stop()
        assert server.log.find("^_exit_tree$")
