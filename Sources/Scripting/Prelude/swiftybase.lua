-- Swiftybase: the functions of its stack that are about SSE, Redis and the registry.
local host = ...

local functions = {}
local names = { event = true, channel = true, publisher = true, id = true, type = true, data = true, retry = true }

local function check(method, ...)
  host.check_kind("Stack." .. method, ...)
end

function functions.upgrade_to_sse(request, response, options)
  check("upgrade_to_sse", 1, "request", "HTTPRequestContext", request)
  check("upgrade_to_sse", 2, "response", "HTTPResponse", response)
  return response:start_sse(options)
end

function functions.send_sse(controller, event)
  check("send_sse", 1, "controller", "SSEConnection", controller)
  return controller:send(event)
end

function functions.is_sse_active(controller)
  check("is_sse_active", 1, "controller", "SSEConnection", controller)
  return controller.active
end

function functions.close_sse(controller)
  check("close_sse", 1, "controller", "SSEConnection", controller)
  return controller:close()
end

function functions.new_sse_event(fields) return SSEEvent.new(fields) end

function functions.register_sse(controller, channel, publisher)
  check("register_sse", 1, "controller", "SSEConnection", controller)
  check("register_sse", 3, "publisher", "SSEPublisher", publisher)
  return publisher:register(controller, channel)
end

function functions.publish_sse(options)
  check("publish_sse", 1, "options", "table", options)
  check("publish_sse", 1, "options.publisher", "SSEPublisher", options.publisher)
  local fields = {}
  for name, value in pairs(options) do
    if not names[name] then host.unknown_option("Stack.publish_sse", name, names) end
    fields[name] = value
  end
  fields.event, fields.channel, fields.publisher = nil, nil, nil
  return options.publisher:publish(options.channel, options.event or fields)
end

function functions.remove_sse(controller_id, channel, publisher)
  check("remove_sse", 3, "publisher", "SSEPublisher", publisher)
  return publisher:remove(controller_id, channel, { close = true })
end

function functions.new_redis_sse_pub_sub_publisher(redis, sync_channel)
  return SSEPublisher.redis(redis, sync_channel)
end

function functions.start_sse_publisher(publisher)
  check("start_sse_publisher", 1, "publisher", "SSEPublisher", publisher)
  return publisher:start()
end

function functions.redis_connect(url) return Redis.connect(url) end

function functions.has_registry_value(key) return Registry.has(key) end
function functions.get_registry_value(key) return Registry.get(key) end
function functions.set_registry_value(key, value) Registry.set(key, value) end

Stack = host.new_namespace("Stack", functions)
