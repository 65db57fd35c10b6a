-- GET /sub joins a channel with history, POST /pub publishes to it. Every feature that costs something is on.
local opened = 0
HTTPServer.sse_connection_opened:connect(function() opened = opened + 1 end)

SSEPublisher.default:configure("bench", { history = 100 })

HTTPServer.register_route("GET", "/sub", function(request, response)
  response:start_sse { channels = { "bench" } }
end)

HTTPServer.register_route("POST", "/pub", function(request, response)
  HTTPServer.channel("bench"):publish { data = request.body }
  response:set_status(202)
end)
