-- Blazium's own example for SSEConnection, line by line in Lua.
HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse()
end)

-- Listen for new SSE connections
HTTPServer.sse_connection_opened:connect(function(conn_id, path, headers)
  print("New SSE client: ", conn_id)
  -- Send a welcome event
  HTTPServer.send_sse_event(conn_id, "welcome", "Connected!")
end)
