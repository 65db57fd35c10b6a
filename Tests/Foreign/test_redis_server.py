"""The tests' own Redis and the proxy that spoils its answers do what tests of a cluster rely on."""

import socket

import pytest

from redis_server import LOOPBACK, RedisClient, RedisError, encode, end_of_command
from streams import make_certificate
from support import PATIENCE


@pytest.mark.parametrize("keep", [True, False])
def test_data_survives_a_kill_where_it_should(redis_servers, keep):
    redis = redis_servers(persistent=True)
    redis("SET", "a", b"\0\r\n")
    redis.kill()
    redis.restart(keep=keep)
    assert redis("GET", "a") == (b"\0\r\n" if keep else None)


def test_a_stopped_server_answers_later(redis_servers):
    redis = redis_servers()
    redis.stop_process()
    client = redis.connect(timeout=0.2)
    with pytest.raises(TimeoutError):
        client("PING")
    redis.continue_process()
    client.close()
    assert redis("PING") == b"PONG"


def test_tls_and_a_password_are_asked_for(redis_servers, tmp_path):
    redis = redis_servers(tls=make_certificate(tmp_path, "DNS:localhost"), password="moon")
    assert redis.url().startswith("rediss://:moon@localhost:")
    assert redis("PING") == b"PONG"
    with pytest.raises((OSError, ValueError)), RedisClient(redis.port, timeout=1) as client:
        client("PING")
    redis.password = None
    with pytest.raises(RedisError, match="NOAUTH"):
        redis("PING")


def test_a_replica_follows_and_refuses_writes(redis_servers):
    primary = redis_servers()
    replica = redis_servers(replica_of=primary)
    primary("SET", "a", 1)
    replica.wait_until(lambda: replica("GET", "a") == b"1", "replication")
    with pytest.raises(RedisError, match="READONLY"):
        replica("SET", "a", 2)
    assert replica.info("replication")["role"] == "slave"


def test_what_the_proxy_is_not_asked_to_spoil_passes(redis_servers):
    fake = redis_servers.fake(redis_servers())
    with RedisClient(fake.port) as client:
        for number in range(100):
            client.send("RPUSH", "list", b"%d\r\n" % number * number)
        assert [client.reply() for _ in range(100)] == list(range(1, 101))
        assert len(client("LRANGE", "list", 0, -1)[99]) == 99 * 4


def test_the_proxy_answers_instead_of_redis(redis_servers):
    redis = redis_servers()
    fake = redis_servers.fake(redis)
    with RedisClient(fake.port) as client:
        fake.answer("READONLY You can't write", "set")
        client.send("GET", "a")
        client.send("SET", "a", 1)
        client.send("GET", "a")
        assert client.reply() is None
        with pytest.raises(RedisError, match="^READONLY You can't write"):
            client.reply()
        assert client.reply() is None
        fake.answer("LOADING Redis is loading the dataset in memory")
        with pytest.raises(RedisError, match="^LOADING "):
            client("GET", "a")
        fake.heal()
        assert client("SET", "a", 1) == b"OK"
    assert redis("GET", "a") == b"1"


def test_the_proxy_is_silent_while_redis_works(redis_servers):
    redis = redis_servers()
    fake = redis_servers.fake(redis)
    with RedisClient(fake.port, timeout=0.2) as client:
        fake.be_silent()
        with pytest.raises(TimeoutError):
            client("SET", "a", 1)
    redis.wait_until(lambda: redis("GET", "a") == b"1", "the command")


def test_the_proxy_tears_a_message(redis_servers):
    redis = redis_servers()
    fake = redis_servers.fake(redis)
    with RedisClient(fake.port) as client:
        client("SUBSCRIBE", "c")
        fake.tear(b"second")
        redis("PUBLISH", "c", "first")
        assert client.reply() == [b"message", b"c", b"first"]
        assert not fake.is_torn()
        redis("PUBLISH", "c", "second")
        with pytest.raises(ConnectionError):
            client.reply()
        assert fake.is_torn()


def test_the_proxy_injects_and_cuts(redis_servers):
    fake = redis_servers.fake(redis_servers())
    client = RedisClient(fake.port)
    assert client("PING") == b"PONG"
    assert fake.inject(b"+garbage\r\n") == 1
    assert client.reply() == b"garbage"
    fake.cut()
    with pytest.raises(ConnectionError):
        client("PING")
    client.close()
    with RedisClient(fake.port) as client:
        assert client("PING") == b"PONG"


def test_a_command_ends_where_it_ends():
    command = encode("SET", "a", b"\r\n$1\r\n")
    for end in range(len(command)):
        assert end_of_command(command[:end]) is None
    assert end_of_command(command + b"*") == len(command)


def test_nothing_listens_on_a_port_after_its_server_is_cleaned_up(redis_servers):
    redis = redis_servers()
    redis.stop_process()
    redis.clean_up()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, redis.port), PATIENCE)
