-- Swiftybase's own example for "Publish SSE", step by step in Lua: one channel on all servers that share a Redis.
local hook = {}

-- Server hook: create and start the publisher once, during server startup.
function hook:_ready()
  -- Check if SSE Publisher is Registered
  if Stack.has_registry_value("publisher") then return end
  -- Initiate Redis Client
  local redis_db = Stack.redis_connect(Env.get("REDIS_URL", "redis://127.0.0.1:6379"))
  -- Create & Register Redis SSE Publisher
  local publisher = Stack.new_redis_sse_pub_sub_publisher(redis_db, "from-swiftybase")
  Stack.start_sse_publisher(publisher)
  Stack.set_registry_value("publisher", publisher)
end

HTTPServer.register_route("GET", "/counter", function(request, response)
  -- Upgrade to SSE
  local controller = Stack.upgrade_to_sse(request, response, {
    allowed_origins = { "https://app.example.com" },
    ping_duration = 15,
    inactivity_duration = 60,
  })
  -- So that the client can say who it is.
  Stack.send_sse(controller, { type = "controller", data = controller.id })

  -- Create Publisher Variable: what the server hook has registered
  local publisher = Stack.get_registry_value("publisher")

  -- Register SSE Connection
  Stack.register_sse(controller, "counter", publisher)

  -- Create SSE Event: the name query parameter is the event type.
  local event = Stack.new_sse_event { type = request:get_query_param("name") }

  -- Loop and Send Message: the data is the current index, every 2 seconds.
  for index = 0, 9 do
    if not Stack.is_sse_active(controller) then return end
    event.data = index
    Stack.publish_sse { event = event, channel = "counter", publisher = publisher }
    sleep(2)
  end

  -- Remove Connection: out of the channel, and closed, since that is its only one.
  Stack.remove_sse(controller.id, "counter", publisher)
end)

-- The same from elsewhere: any server may remove a controller, wherever it is.
HTTPServer.register_route("DELETE", "/counter/{id}", function(request, response)
  local result = Stack.remove_sse(request:get_path_param("id"), "counter", Stack.get_registry_value("publisher"))
  response:set_json { result = error_string(result) }
end)

return hook
