"""A Redis that cannot be used: what is said, and that the server serves all the same; with TLS and passwords besides."""

import re
import time

import pytest

from cluster import SCRIPT, Cluster, Event
from proxies import free_port
from streams import make_certificate
from support import PATIENCE, ROOT, run

PASSWORD = "m00n-l1ght"  # noqa: S105
WRONG = "n0t-the-m00n"


@pytest.fixture
def cluster(serve, scripts):
    """Nodes that may log errors."""
    return Cluster(serve, scripts(main=SCRIPT), may_log_errors=True)


def problem_of(node, *words):
    """The first warning that has these words; the node serves all the same, and has no connection."""
    deadline = time.monotonic() + PATIENCE
    while True:
        for record in node.log.find("^Redis is not connected$"):
            if all(re.search(f"(?i){word}", str(record)) for word in words):
                assert record["level"] == "warning"
                assert node.is_alive()
                assert not node.connections()
                return record
        assert time.monotonic() < deadline, f"nothing says {words}:\n{node.log}"
        time.sleep(0.02)


def check_node(node, listen, other=None):
    """An event comes back through Redis."""
    stream = listen(node, "c")
    id = (other or node).publish("c", "text")
    assert stream.next() == Event("m", "text", id)


# MARK: at the start


def serve_once(scripts, url, *options, script=SCRIPT):
    return run("serve", scripts(main=script), "--port", 0, *options, prefix=["env", f"REDIS_URL={url}"])


def test_a_redis_that_must_be_there_and_is_not_ends_the_start(scripts):
    port = free_port()
    result = serve_once(scripts, f"redis://127.0.0.1:{port}", "--require-redis")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("mooncast: ") and f"127.0.0.1:{port}" in last, result.stderr
    assert "listening" not in result.stderr and "Fatal" not in result.stderr


def test_a_redis_that_must_be_there_and_is_changes_nothing(redis_servers, cluster, listen):
    check_node(cluster.node(redis_servers().url(), "--require-redis"), listen)


def test_a_redis_that_must_be_there_may_come_within_five_seconds(redis_servers, cluster, listen):
    redis = redis_servers()
    redis.kill()
    redis.restart(wait=False)
    check_node(cluster.node(redis.url(), "--require-redis"), listen)


def test_a_replica_does_not_do_where_redis_must_be_there(redis_servers, scripts):
    replica = redis_servers(replica_of=redis_servers())
    result = serve_once(scripts, replica.url(), "--require-redis")
    assert result.returncode == 1
    assert "a primary is needed" in result.stderr.splitlines()[-1]


def test_a_node_without_its_redis_says_so_and_goes_on_asking(cluster):
    port = free_port()
    node = cluster.node(f"redis://127.0.0.1:{port}", connected=False)
    problem_of(node, f"127.0.0.1:{port}")
    assert len(node.log.find("Redis is not connected")) < 20


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:6379", "127.0.0.1:6379", "", "redis://", "redis://127.0.0.1:port", "redis://127.0.0.1:65536",
     "redis://127.0.0.1:6379/first", "unix:///tmp/redis.sock", "redis://127.0.0.1:6379/?ca"],
)  # fmt: skip
def test_a_url_that_is_none_ends_the_start_with_the_line_that_has_it(scripts, url):
    result = serve_once(scripts, url)
    assert result.returncode == 1
    assert "main.lua:2: Redis.connect: " in result.stderr, result.stderr
    assert "Fatal" not in result.stderr


@pytest.mark.parametrize("sync", ["", "x" * 257])
def test_a_prefix_of_no_length_or_too_much_is_refused(scripts, sync):
    result = run("serve", scripts(main=f'SSEPublisher.redis(Redis.connect("redis://127.0.0.1:1"), "{sync}")'), "--port", 0)
    assert result.returncode == 1
    assert "main.lua:1: SSEPublisher.redis: argument 2 (sync_channel)" in result.stderr, result.stderr


def test_what_is_no_redis_is_refused(scripts):
    result = run("serve", scripts(main='SSEPublisher.redis("redis://127.0.0.1:1", "x")'), "--port", 0)
    assert result.returncode == 1
    assert "main.lua:1: SSEPublisher.redis: argument 1 (redis)" in result.stderr, result.stderr


LIFE = """
local redis = Redis.connect(Env.get("REDIS_URL", ""))
local publisher = SSEPublisher.redis(redis, "test")
HTTPServer.register_route("GET", "/life", function(request, response)
  local connection = response:start_sse { ping_duration = 0 }
  local said = {}
  local function say(...) for _, value in ipairs { ... } do said[#said + 1] = value end end
  say(publisher:is_started(), publisher:publish("c", "m", "x"))
  say(select(2, publisher:publish_and_wait("c", "m", "x")))
  say(publisher:register(connection, "c"))
  say(publisher:start(), publisher:is_started())
  say(publisher:register(connection, "c"), publisher:publish("c", "m", "live"))
  await(publisher:channel("c").published)
  publisher:stop()
  say(publisher:is_started(), publisher:publish("c", "m", "x"))
  redis:close()
  say(redis:is_connected(), publisher:start(), publisher:is_started())
  local reply, message = redis:command("PING")
  say(reply == nil, type(message))
  connection:send("said", said)
  connection:close()
end)
"""


def test_a_publisher_works_from_its_start_to_its_stop(redis_servers, scripts, serve, connect):
    redis = redis_servers()
    server = serve(scripts(main=LIFE), prefix=["env", f"REDIS_URL={redis.url()}"])
    text = connect(server, "/life").read_to_end().decode()
    assert re.search(r"^event: m\ndata: live\n\n", text, re.M)
    [said] = re.findall(r"^event: said\ndata: (.*)$", text, re.M)
    assert said == '[false,3,3,3,0,true,0,0,false,3,false,3,false,true,"string"]'


# MARK: passwords


def test_a_password_is_used_and_never_told(redis_servers, cluster, listen):
    redis = redis_servers(password=PASSWORD)
    node = cluster.node(redis.url(), "--log-level", "trace")
    check_node(node, listen)
    wrong = cluster.node(redis.url(password=WRONG), "--log-level", "trace", connected=False)
    problem_of(wrong, "WRONGPASS")
    none = cluster.node(f"redis://127.0.0.1:{redis.port}", "--log-level", "trace", connected=False)
    problem_of(none, "NOAUTH")
    redis.kill()
    node.log.wait("^publisher disconnected\t.")
    for each in (node, wrong, none):
        each.stop()
        assert PASSWORD not in str(each.log) and WRONG not in str(each.log)


def test_a_password_is_not_told_by_an_error_either(scripts):
    for url in (f"redis://:{PASSWORD}@127.0.0.1:99999", f"http://:{PASSWORD}@127.0.0.1:6379"):
        result = serve_once(scripts, url)
        assert result.returncode == 1 and PASSWORD not in result.stderr, result.stderr


def test_a_user_a_password_with_odd_characters_and_a_database_are_understood(redis_servers, cluster, listen):
    redis = redis_servers(user="ann on >p@ss/w%rd:# ~* &* +@all")
    node = cluster.node(f"redis://ann:p%40ss%2Fw%25rd%3A%23@127.0.0.1:{redis.port}/3")
    check_node(node, listen)
    with redis.connect() as client:
        assert client("KEYS", "*") == []
        client("SELECT", 3)
        assert client("KEYS", "*") != []
        assert "user=ann" in client("CLIENT", "LIST").decode()


# MARK: TLS


@pytest.fixture
def secure(redis_servers, tmp_path):
    return redis_servers(tls=make_certificate(tmp_path, "DNS:localhost,IP:127.0.0.1"), password=PASSWORD)


def test_tls_with_an_authority_of_ones_own(secure, cluster, listen):
    one, two = cluster.nodes(secure.url(query=f"?ca={secure.tls[0]}"), 2)
    check_node(one, listen, two)


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, cluster):
    problem_of(cluster.node(secure.url(), connected=False), "certificate", secure.port)


def test_a_certificate_of_another_name_is_refused(redis_servers, cluster, tmp_path):
    redis = redis_servers(tls=make_certificate(tmp_path, "DNS:localhost,DNS:redis.example"))
    url = f"rediss://127.0.0.1:{redis.port}?ca={redis.tls[0]}"
    problem_of(cluster.node(url, connected=False), "certificate is for another name than 127.0.0.1")
    assert cluster.node(redis.url(query=f"?ca={redis.tls[0]}"))


def test_an_authority_that_is_no_file_ends_the_start(scripts, tmp_path):
    for path in (tmp_path / "nobody.pem", __file__):
        result = serve_once(scripts, f"rediss://localhost:6379?ca={path}")
        assert result.returncode == 1
        assert "main.lua:2: Redis.connect: " in result.stderr and str(path) in result.stderr, result.stderr


def test_tls_where_there_is_none_and_none_where_there_is(redis_servers, secure, cluster):
    plain = redis_servers()
    nodes = [cluster.node(f"{scheme}://localhost:{redis.port}", connected=False)
             for scheme, redis in (("rediss", plain), ("redis", secure))]  # fmt: skip
    problem_of(nodes[0], plain.port)
    problem_of(nodes[1], secure.port)


# MARK: what is no primary, or no Redis


def test_a_replica_is_refused_until_it_is_promoted(redis_servers, cluster, listen):
    replica = redis_servers(replica_of=redis_servers())
    node = cluster.node(replica.url(), connected=False)
    problem_of(node, "a primary is needed")
    replica("REPLICAOF", "NO", "ONE")
    check_node(node.wait_until_connected(), listen)


def test_what_answers_in_another_language_is_refused_and_asked_again(answers, cluster):
    other = answers(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", reads=False)
    node = cluster.node(other.url.replace("http", "redis"), connected=False)
    problem_of(node, other.port)


def loading_slowly(redis_servers):
    """A Redis that takes three seconds to load, and every second a look at who asks."""
    redis = redis_servers(persistent=True, key_load_delay=1000)
    redis("EVAL", "for number = 1, 3000 do redis.call('SET', number, 'to be loaded') end", 0)
    return redis


def test_a_redis_that_loads_its_data_is_waited_for(redis_servers, cluster, listen):
    redis = loading_slowly(redis_servers)
    redis.kill()
    redis.restart(wait=False)
    node = cluster.node(redis.url(), connected=False)
    problem_of(node, "LOADING")
    check_node(node.wait_until_connected(), listen)


def test_why_a_redis_stays_away_is_told_when_that_changes(redis_servers, cluster):
    redis = loading_slowly(redis_servers)
    node = cluster.node(redis.url())
    redis.kill()
    node.log.wait("^publisher disconnected\t.")
    redis.restart(wait=False)
    node.wait_until_connected(2)
    assert "LOADING" in str(node.log), node.log


# MARK: what the document says


def test_a_user_that_may_only_what_the_document_says_is_enough(redis_servers, cluster, listen):
    [line] = re.findall(r"^user (.*)$", (ROOT / "docs" / "cluster.md").read_text(), re.M)
    redis = redis_servers(user=line.replace("~shop:*", "~test:*").replace("&shop:*", "&test:*"))
    name, password = line.split(" ")[0], re.search(r">(\S+)", line)[1]
    url = f"redis://{name}:{password}@127.0.0.1:{redis.port}"
    one, two = cluster.nodes(url, 2)
    one.watch("c")
    stream = listen(one, "c", uuid=1)
    uuid = stream.next().data
    check_node(one, listen, two)
    last = two.publish("c", "own id", id="mine")
    assert listen(two, "c", last_id=last) and two.history("c", 1)[0][2] == "own id"
    two.wait_for_count("c", 3)
    assert two.remove(uuid, "c") == 0
    two.stop()
    one.wait_for_count("c", 1)
    with redis.connect() as client:
        assert client("ACL", "LOG") == []
    assert not [record for record in one.log.records if record.get("level") in ("warning", "error")], one.log
