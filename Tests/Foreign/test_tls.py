"""Streams and answers over TLS, with clients that we did not write."""

import signal
import socket
import ssl
import subprocess

import httpx
import httpx_sse
import pytest

from support import PATIENCE, run
from test_command import AS_ANYBODY

SCRIPT = """
HTTPServer.listen(0, "127.0.0.1", true, "key.pem", "certificate.pem")
HTTPServer.register_route("GET", "/", function(request, response) response:set_body(request.scheme) end)
HTTPServer.register_route("POST", "/echo", function(request, response) response:set_body(request.body) end)
HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse{ channels = { "news" }, ping_duration = 0 }
end)
HTTPServer.register_route("POST", "/publish", function(request, response)
  HTTPServer.channel("news"):publish("update", request.body)
end)
HTTPServer.register_route("GET", "/large", function(request, response)
  response:start_sse():send(("x"):rep(10000000))
end)
HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed " .. reason) end)
"""


def make_certificate(directory, name="localhost"):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", directory / "key.pem", "-out", directory / "certificate.pem", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip


@pytest.fixture
def directory(scripts):
    directory = scripts(main=SCRIPT)
    make_certificate(directory)
    return directory


@pytest.fixture
def server(serve, directory):
    return serve(directory)


@pytest.fixture
def client(directory):
    """Trusts only the server's own certificate."""
    with httpx.Client(verify=ssl.create_default_context(cafile=directory / "certificate.pem"), timeout=PATIENCE) as client:
        yield client


def curl(directory, *arguments):
    command = ["curl", "-sS", "--max-time", str(PATIENCE), "--cacert", directory / "certificate.pem", *arguments]
    return subprocess.run([str(word) for word in command], capture_output=True, timeout=2 * PATIENCE)


def handshake(server, cafile=None):
    """The certificate that the server shows, and the connection."""
    context = ssl.create_default_context(cafile=cafile)
    context.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    return context.wrap_socket(plain, server_hostname="localhost")


def test_curl_verifies_the_certificate_and_the_script_sees_https(server, directory):
    answer = curl(directory, "--http1.1", f"{server.url}/")
    assert (answer.returncode, answer.stdout) == (0, b"https"), answer.stderr
    assert server.url.startswith("https://")


def test_a_body_of_a_megabyte_comes_back_whole(server, directory, tmp_path):
    body = bytes(range(256)) * 4096
    (tmp_path / "body").write_bytes(body)
    assert curl(directory, "--data-binary", f"@{tmp_path / 'body'}", f"{server.url}/echo").stdout == body


def test_an_event_of_ten_megabytes_passes_unchanged(server, client):
    with httpx_sse.connect_sse(client, "GET", f"{server.url}/large") as source:
        assert next(source.iter_sse()).data == "x" * 10_000_000


def test_each_event_comes_before_the_next_is_published(server, client, directory):
    with httpx_sse.connect_sse(client, "GET", f"{server.url}/events") as source:
        events = source.iter_sse()
        with httpx.Client(verify=ssl.create_default_context(cafile=directory / "certificate.pem")) as publisher:
            for number in range(20):
                publisher.post(f"{server.url}/publish", content=str(number))
                assert (event := next(events)).data == str(number)
                last = event.id
            publisher.post(f"{server.url}/publish", content="missed")
    server.log.wait("^closed client$")
    with httpx_sse.connect_sse(client, "GET", f"{server.url}/events", headers={"Last-Event-ID": last}) as source:
        assert next(source.iter_sse()).data == "missed"


def test_a_client_that_leaves_in_any_way_is_gone(server, directory):
    for way in ("farewell", "fin", "reset"):
        connection = handshake(server, directory / "certificate.pem")
        assert connection.selected_alpn_protocol() == "http/1.1"
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while not received.endswith(b"\r\n\r\n:\n"):
            received += connection.recv(4096)
        if way == "farewell":
            with pytest.raises((ssl.SSLError, OSError)):
                connection.unwrap()
                raise OSError("it answered the farewell")
        elif way == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        server.log.wait("^closed client$", count=["farewell", "fin", "reset"].index(way) + 1)


def test_a_stream_that_the_server_ends_ends_with_the_farewell(server, directory):
    connection = handshake(server, directory / "certificate.pem")
    connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    received = b""
    while not received.endswith(b"\r\n\r\n:\n"):
        received += connection.recv(4096)
    server.send_signal(signal.SIGTERM)
    rest = b""
    while piece := connection.recv(4096):  # an end without the farewell raises
        rest += piece
    connection.close()
    assert rest.startswith(b"retry: ") and rest.endswith(b"\n")
    assert server.wait() == 0


def test_bytes_that_are_no_tls_harm_nobody(server, directory):
    for garbage in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 400, b"\0", b""):
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            try:
                assert b"HTTP/1.1" not in connection.recv(4096)
            except ConnectionResetError:
                pass
    assert curl(directory, f"{server.url}/").stdout == b"https"


def test_old_versions_are_refused(server):
    answer = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=PATIENCE,
    )
    assert b"alert protocol version" in answer.stderr, answer.stderr


def test_openssl_is_content(server, directory):
    answer = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile", directory / "certificate.pem",
         "-verify_return_error", "-servername", "localhost", "-verify_hostname", "localhost"],
        input=b"", capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    assert b"Verify return code: 0 (ok)" in answer.stdout, answer.stdout + answer.stderr
    assert b"Protocol  : TLSv1.3" in answer.stdout or b"New, TLSv1.3" in answer.stdout


def test_a_new_certificate_is_taken_on_sighup_and_open_streams_stay(server, directory):
    old = directory / "old.pem"
    old.write_bytes((directory / "certificate.pem").read_bytes())
    stream = handshake(server, old)
    stream.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert stream.recv(4096)
    server.may_log_errors = True
    (directory / "certificate.pem").write_text("nothing")
    server.send_signal(signal.SIGHUP)
    server.log.wait("the certificate stays as it was: .*certificate.pem is not a PEM file with a certificate")
    assert curl(directory, "-k", f"{server.url}/").stdout == b"https"
    make_certificate(directory)
    server.send_signal(signal.SIGHUP)
    server.log.wait("the certificate was read again")
    with handshake(server, directory / "certificate.pem") as connection:
        assert connection.getpeercert()
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, old)
    curl(directory, "-d", "still here", f"{server.url}/publish")
    received = b""
    while b"still here" not in received:
        received += stream.recv(4096)
    stream.close()


def test_sighup_without_tls_changes_nothing(serve, scripts):
    server = serve(scripts(main="print('x')"))
    server.send_signal(signal.SIGHUP)
    server.log.wait("nothing listens with TLS")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('true, "key.pem", "nobody.pem"', "nobody.pem: no such file"),
        ('true, "key.pem", "main.lua"', "main.lua is not a PEM file with a certificate"),
        ("true", "TLS needs a key"),
    ],
)
def test_a_bad_certificate_is_one_line_and_exit_code_1(scripts, arguments, said):
    directory = scripts(main=f'HTTPServer.listen(0, "127.0.0.1", {arguments})')
    make_certificate(directory)
    result = run("serve", directory)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("mooncast: HTTPServer.listen: ")
    assert said in result.stderr.splitlines()[-1]
    assert "Fatal" not in result.stderr


def test_a_key_that_may_not_be_read_is_one_line_and_number_10(scripts):
    directory = scripts(main=SCRIPT.replace("HTTPServer.listen", 'print("got", HTTPServer.listen', 1).replace(
        '"certificate.pem")', '"certificate.pem"))', 1))
    make_certificate(directory)
    (directory / "key.pem").chmod(0)
    result = run("serve", directory, prefix=AS_ANYBODY)
    assert result.returncode == 1
    assert "got\t10" in result.stderr
    assert "cannot read the key" in result.stderr and "permission denied" in result.stderr.splitlines()[-1]
