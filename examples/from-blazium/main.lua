-- What Blazium's pages show of its HTTPServer, line by line in Lua: a page, JSON, a form's data, live events.
-- Behind a line stands what it was in GDScript, where that is not the same.
local node = {} -- extends Node

local scores = {} -- var scores: Dictionary = {}

function node:_ready() -- func _ready() -> void:
  -- Start listening on port 5173
  HTTPServer.listen(5173, "127.0.0.1")

  -- Register a simple GET route
  HTTPServer.register_route("GET", "/", function(req, res) -- func(req: HTTPRequestContext, res: HTTPResponse):
    local html = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width">
<title>Scores</title>
<style>
  :root { color-scheme: light dark }
  body { background: Canvas; color: CanvasText }
</style>
</head>
<body>
<h1>Scores</h1>
<ul id="scores"></ul>
<script>
  const source = new EventSource("/api/events")
  source.addEventListener("score", event => {
    const item = document.createElement("li")
    item.textContent = event.data
    document.getElementById("scores").append(item)
  })
</script>
</body>
</html>
]]
    res:add_header("Content-Type", "text/html")
    res:set_body(html)
  end)

  HTTPServer.register_route("GET", "/api/health", function(req, res)
    res:set_json { ok = true } -- res.set_json({"ok": true})
  end)

  HTTPServer.register_route("GET", "/api/scores/{player}", node.get_score)
  HTTPServer.register_route("POST", "/api/scores/{player}", node.set_score)

  HTTPServer.register_route("GET", "/api/events", function(req, res)
    res:start_sse()
  end)

  -- Listen for new SSE connections
  HTTPServer.sse_connection_opened.connect(function(conn_id, path, headers)
    print("New SSE client: ", conn_id)
    -- Send a welcome event
    HTTPServer.send_sse_event(conn_id, "welcome", "Connected!")
  end)

  HTTPServer.sse_connection_closed.connect(function(conn_id)
    print("SSE client left: ", conn_id)
  end)
end

function node.get_score(req, res) -- func get_score(req, res):
  local player = req:get_path_param("player")
  if not scores[player] then -- if not scores.has(player):
    res:set_status(404)
    res:set_json { error = "no score of " .. player }
    return
  end
  res:set_json { player = player, score = scores[player] }
end

function node.set_score(req, res) -- func set_score(req, res):
  local player = req:get_path_param("player")
  local data = req:parse_json_body() or {} -- var data = req.parse_json_body()
  scores[player] = data.score
  for _, conn_id in ipairs(HTTPServer.get_active_sse_connections()) do -- for conn_id in HTTPServer.get_…():
    HTTPServer.send_sse_event(conn_id, "score", player .. ": " .. tostring(data.score)) -- "%s: %s" % [player, …]
  end
  res:set_status(201)
end

return node
