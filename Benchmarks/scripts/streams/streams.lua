HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse()
end)

HTTPServer.register_route("GET", "/count", function(request, response)
  response:set_json(#HTTPServer.get_active_sse_connections())
end)

HTTPServer.register_route("POST", "/broadcast", function(request, response)
  response:set_json(HTTPServer.broadcast("bench", request.body))
end)
