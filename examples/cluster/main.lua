-- Several servers as one: everyone gets every line, whichever node serves them, and sees how many are here on all nodes.
--
-- examples/cluster/start runs three of these with a Redis and nginx; docs/cluster.md tells the rest.
local NODE <const> = Env.get("NODE", "the only one")

local redis = Redis.connect(Env.get("REDIS_URL", "redis://127.0.0.1:6379"))
local publisher = SSEPublisher.redis(redis, "example")
publisher:configure("lines", { history = 200 })
publisher:start()
local lines = publisher:channel("lines")

-- MARK: how many are here

local people -- on all nodes; nil while that is not known

-- Asks Redis again and again: a node that died leaves without a word.
spawn(function()
  while true do
    local now = lines:count()
    if now ~= people then
      people = now
      HTTPServer.broadcast("people", JSON.encode(people or JSON.null))
    end
    sleep(1)
  end
end)

-- MARK: the routes

HTTPServer.register_route("GET", "/stream", function(request, response)
  -- A newcomer gets the last 50 lines; a browser that comes back, to any node, exactly what it missed.
  local connection = response:start_sse { channels = { lines }, replay = 50, retry = 500 }
  connection:send("node", NODE)
  connection:send("people", JSON.encode(people or JSON.null))
end)

HTTPServer.register_route("POST", "/lines", function(request, response)
  local text = request.body
  if not text:find("%S") or #text > 500 or not utf8.len(text) then
    return response:set_status(400):set_json { error = "a line has 1 to 500 bytes of UTF-8" }
  end
  -- Waits until Redis has it. `publish` would not, and what it has queued is lost with this node.
  local id, err = lines:publish_and_wait("line", { text = text, node = NODE })
  if not id then
    return response:set_status(503):set_json { error = error_string(err) }
  end
  response:set_json { id = id, node = NODE }
end)
