-- Swiftybase's own example for "Upgrade to SSE", step by step in Lua.
HTTPServer.register_route("GET", "/index", function(request, response)
  -- Upgrade to SSE: fill in the options such as Allowed Origins, Ping Duration, and Inactivity Duration.
  local controller = Stack.upgrade_to_sse(request, response, {
    allowed_origins = { "https://app.example.com" },
    ping_duration = 15,
    inactivity_duration = 60,
  })

  -- Send Initial Event: Send SSE with the controller, the event name and data.
  Stack.send_sse(controller, { type = "welcome", data = "Connected!" })

  -- Loop and Send Index as Message, every 2 seconds.
  for index = 0, 9 do
    local is_active = Stack.send_sse(controller, { data = index })
    -- Precondition: break the loop if the connection is no longer active.
    if not is_active then break end
    sleep(2)
  end

  -- Once the loop ends, remember to close the SSE connection.
  Stack.close_sse(controller)
end)
