-- An event every 2 seconds, in a loop. When the client leaves, the handler is ended where it sleeps.
HTTPServer.register_route("GET", "/counter", function(request, response)
  local connection = response:start_sse()
  local cleanup <close> = setmetatable({}, { __close = function() print("counter of", connection.connection_id, "ended") end })
  local count = 0
  while true do
    count = count + 1
    connection:send("count", count)
    sleep(2)
  end
end)
