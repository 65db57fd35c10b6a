-- S42-Core's own example for SSE, line by line in Lua.
-- Behind a line stands what it was in JavaScript, where that is not the same.
HTTPServer.register_route("*", "/{path...}", function(request, response) -- const server = createServer((req, res) => {
  if request.raw_path == "/events" then -- if (req.url === '/events') {
    local sse = SSE.new(request, response) -- new SSE(req, res)
    -- Send an example event after the connection is established
    Engine.create_timer(1).timeout:connect(function() -- setTimeout(() => { … }, 1000)
      sse:send {
        eventName = "exampleEvent",
        eventPayload = { data = "Hello, SSE!" },
      }
    end)
    -- Close the connection after 5 seconds
    Engine.create_timer(5).timeout:connect(function()
      sse:close()
    end)
  else
    response:set_status(404) -- res.writeHead(404); res.end()
  end
end)

HTTPServer.listen(3000, "127.0.0.1")
HTTPServer.server_started:connect(function(port) -- server.listen(3000, () => {
  print("Server running at http://localhost:" .. port .. "/")
end)
