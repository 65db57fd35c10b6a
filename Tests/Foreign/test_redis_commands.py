"""`Redis` in scripts: commands, subscriptions, signals."""

import json

import httpx
import pytest

from support import PATIENCE, run

SCRIPT = """
redis = Redis.connect(Env.get("REDIS_URL", ""))
redis.connected:connect(function() print("connected") end)
redis.disconnected:connect(function(reason) print("disconnected", reason) end)
redis:subscribe("news", function(...) print("news", ...) end)

-- The body is a list of commands, each a list of words. All begin before any has its reply.
HTTPServer.register_route("POST", "/", function(request, response)
  local commands = request:parse_json_body()
  local replies, left, done = JSON.array {}, #commands, Signal.new("done")
  for index, words in ipairs(commands) do
    spawn(function()
      local reply, message = redis:command(table.unpack(words))
      replies[index] = { reply = reply, message = message, type = math.type(reply) or type(reply) }
      left = left - 1
      if left == 0 then done:emit() end
    end)
  end
  if left > 0 then await(done) end
  response:set_json(replies)
end)
HTTPServer.register_route("POST", "/close", function() redis:close() end)
HTTPServer.register_route("GET", "/state", function(request, response) response:set_json(redis:is_connected()) end)
"""


@pytest.fixture
def redis(redis_servers):
    return redis_servers()


@pytest.fixture
def server(redis, serve, scripts):
    server = serve(scripts(main=SCRIPT), prefix=["env", f"REDIS_URL={redis.url()}"], may_log_errors=True)
    server.log.wait("^connected$")
    return server


def ask(server, *commands):
    answer = httpx.post(server.url, content=json.dumps(commands), timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def replies(server, *commands):
    return [answer.get("reply") for answer in ask(server, *commands)]


def test_replies_are_values_of_lua(server):
    assert ask(
        server,
        ["SET", "text", "naïve"],
        ["GET", "text"],
        ["INCR", "number"],
        ["INCRBY", "number", 9007199254740993],
        ["RPUSH", "list", "a", 2, 3.5],
        ["LRANGE", "list", 0, -1],
        ["EVAL", "return {1, {'a', {2}}, 'b'}", 0],
    ) == [
        {"reply": "OK", "type": "string"},
        {"reply": "naïve", "type": "string"},
        {"reply": 1, "type": "integer"},
        {"reply": 9007199254740994, "type": "integer"},
        {"reply": 3, "type": "integer"},
        {"reply": ["a", "2", "3.5"], "type": "table"},
        {"reply": [1, ["a", [2]], "b"], "type": "table"},
    ]


def test_an_error_is_nil_and_redis_own_words(server):
    [error] = ask(server, ["INCR"])
    assert "reply" not in error and "wrong number of arguments" in error["message"]
    [_, error, after] = ask(server, ["SET", "a", "x"], ["INCR", "a"], ["GET", "a"])
    assert "not an integer" in error["message"] and after["reply"] == "x"


def test_a_thousand_commands_at_once_are_answered_in_order(server):
    assert replies(server, *([["INCR", "n"]] * 1000)) == list(range(1, 1001))


def test_large_values_pass(server, redis):
    redis("SET", "large", b"x" * 20_000_000)
    assert replies(server, ["STRLEN", "large"], ["APPEND", "large", "y"]) == [20_000_000, 20_000_001]
    [text] = replies(server, ["GET", "large"])
    assert len(text) == 20_000_001


def test_a_slow_command_holds_nobody_but_who_waits(server, redis):
    redis("CLIENT", "PAUSE", 1000)
    assert httpx.get(f"{server.url}/nothing", timeout=0.5).status_code == 404
    assert replies(server, ["PING"]) == ["PONG"]


def test_messages_of_a_channel_come_in_order_also_after_a_break(server, redis):
    for number in range(100):
        redis("PUBLISH", "news", number)
    for number in range(100):
        server.log.wait(rf"^news\t{number}\tnews$")
    said = [record["message"].split("\t")[1] for record in server.log.find("^news\t")]
    assert said == [str(number) for number in range(100)]
    redis("CLIENT", "KILL", "TYPE", "pubsub")
    redis.wait_until(lambda: redis("PUBLISH", "news", "again") == 1, "the subscription")
    server.log.wait("^news\tagain\tnews$")


def test_a_redis_that_goes_and_comes_is_told(server, redis):
    redis.kill()
    server.log.wait("^disconnected\t.")
    [away] = ask(server, ["PING"])
    assert "reply" not in away and away["message"]
    redis.restart()
    server.log.wait("^connected$", count=2)
    assert replies(server, ["PING"]) == ["PONG"]


def test_a_script_can_ask_whether_it_is_connected(server, redis):
    def state():
        answer = httpx.get(f"{server.url}/state", timeout=PATIENCE)
        assert answer.status_code == 200, server.log
        return answer.json()

    assert state() is True
    redis.kill()
    server.log.wait("^disconnected\t.")
    assert state() is False
    httpx.post(f"{server.url}/close", timeout=PATIENCE)
    assert state() is False


def test_a_closed_client_answers_nothing_and_says_so(server, redis):
    httpx.post(f"{server.url}/close", timeout=PATIENCE)
    [closed] = ask(server, ["PING"])
    assert "reply" not in closed and "closed" in closed["message"]
    redis.wait_until(lambda: b"news" not in redis("PUBSUB", "CHANNELS"), "the end of the subscription")


@pytest.mark.parametrize(
    "call, said",
    [
        ("Redis.connect()", "Redis.connect: takes 1 argument, got 0"),
        ("Redis.connect({})", "argument 1"),
        ("redis:command()", "takes 1 to 255 arguments, got 0"),
        ("redis.command('PING')", "use redis:command() (':' not '.')"),
        ("redis:command('SET', 'a', {})", "argument 3"),
        ("redis:command('SET', 'a', nil)", "argument 3"),
        ("redis:subscribe('news')", "takes 2 arguments, got 1"),
        ("redis:subscribe('', 5)", "argument"),
        ("redis:no_such_thing()", "no_such_thing"),
    ],
)
def test_misuse_is_an_error_with_its_line(scripts, call, said):
    result = run("serve", scripts(main=f'local redis = Redis.connect("redis://127.0.0.1:1")\n{call}'), "--port", 0)
    assert result.returncode == 1
    assert "main.lua:2: " in result.stderr and said in result.stderr, result.stderr
