-- S42-Core's SSE: a stream that is welcomed with its uuid, and whose events are numbered.
local host = ...

local fields = { eventName = true, eventPayload = true }

local new = host.new_class("SSE", "sse", {
  getUUID = function(state) return state.connection.uuid end,
  send = function(state, event)
    if type(event) ~= "table" then host.argument_error("SSE.send", 1, "event", "a table", event) end
    for name in pairs(event) do
      if not fields[name] then host.unknown_option("SSE.send", name, fields) end
    end
    local name, payload = event.eventName, event.eventPayload
    if type(name) ~= "string" then host.argument_error("SSE.send", 1, "eventName", "a string", name) end
    if payload == nil then host.argument_error("SSE.send", 1, "eventPayload", "a value that JSON has", payload) end
    return state.connection:send(name, JSON.encode(payload))
  end,
  close = function(state) return state.connection:close() end,
}, { connection = function(state) return state.connection end })

SSE = {
  new = function(request, response)
    host.check_kind("SSE.new", 1, "request", "HTTPRequestContext", request)
    host.check_kind("SSE.new", 2, "response", "HTTPResponse", response)
    return new { connection = response:start_sse { welcome = true, auto_id = true } }
  end,
}
