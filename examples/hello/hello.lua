-- A page with a live clock: every client that opens /clock gets an event a second.
HTTPServer.register_route("GET", "/clock", function(request, response)
  response:start_sse()
end)

local timer = Timer.new { wait_time = 1, autostart = true }
timer.timeout:connect(function()
  HTTPServer.broadcast("tick", os.date("%H:%M:%S"))
end)
