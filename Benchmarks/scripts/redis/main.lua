-- A node of a cluster: POST /publish publishes once, POST /flood/{count} as fast as Redis takes it.
local redis = Redis.connect(Env.get("REDIS_URL", "redis://127.0.0.1:6379"))
local publisher = SSEPublisher.redis(redis, "bench")
publisher:configure("*", { history = 100 })
publisher:start()
local channel = publisher:channel("events")

HTTPServer.register_route("GET", "/events", function(request, response)
  response:start_sse { channels = { channel } }
end)

-- The data begins with the time of the call.
HTTPServer.register_route("POST", "/publish", function(request, response)
  response:set_json(channel:publish("bench", string.format("%.7f ", Time.now()) .. request.body))
end)

HTTPServer.register_route("POST", "/flood/{count}", function(request, response)
  local left, data = math.tointeger(request.path_params.count), request.body
  local start, full = Time.monotonic(), 0
  while left > 1 do
    local err = channel:publish("bench", data)
    if err == OK then
      left = left - 1
      if left % 500 == 0 then sleep(0) end
    elseif err == ERR_BUSY then
      full = full + 1
      sleep(0.001)
    else
      return response:set_status(500):set_body(error_string(err))
    end
  end
  local id, err = channel:publish_and_wait("bench", data)
  if not id then return response:set_status(500):set_body(error_string(err)) end
  response:set_json { seconds = Time.monotonic() - start, full = full }
end)
