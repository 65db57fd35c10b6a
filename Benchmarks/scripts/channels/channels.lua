-- GET /events joins the channel that it names; the other routes send or publish what they are given.
SSEPublisher.default:configure("*", { history = 100 })

local opened = 0
HTTPServer.sse_connection_opened:connect(function() opened = opened + 1 end)

HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse { channels = { request:get_query_param("channel", "all") } }
end)

HTTPServer.register_route("GET", "/opened", function(request, response)
  response:set_json(opened)
end)

HTTPServer.register_route("POST", "/publish", function(request, response)
  response.body = HTTPServer.channel("all"):publish_and_wait("bench", request.body)
end)

HTTPServer.register_route("POST", "/publish_many/{count}", function(request, response)
  for number = 1, tonumber(request.path_params.count) do
    HTTPServer.channel("c" .. number):publish("bench", request.body)
  end
end)

HTTPServer.register_route("POST", "/ids", function(request, response)
  for _, id in ipairs(HTTPServer.get_active_sse_connections()) do
    HTTPServer.send_sse_event(id, "bench", request.body)
  end
end)

-- Microseconds of CPU time for one publish to a channel that nobody is in.
HTTPServer.register_route("POST", "/empty", function(request, response)
  local channel, count, data = HTTPServer.channel("empty"), 20000, request.body
  local start = os.clock()
  for _ = 1, count do channel:publish("bench", data) end
  response:set_json((os.clock() - start) / count * 1e6)
end)
