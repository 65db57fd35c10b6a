-- SSEEvent: the fields of an event, reusable; they may be changed between sends.
local host = ...

local fields = { id = true, type = true, data = true, retry = true, key = true, tags = true }

local metatable = {
  __name = "SSEEvent",
  __metatable = false,
  __index = function(_, name)
    if not fields[name] then host.unknown_member("SSEEvent", name, fields) end
  end,
  __newindex = function(event, name, value)
    if not fields[name] then host.unknown_member("SSEEvent", name, fields) end
    rawset(event, name, value)
  end,
}

SSEEvent = {
  new = function(values)
    if values ~= nil and type(values) ~= "table" then
      host.argument_error("SSEEvent.new", 1, "fields", "a table", values)
    end
    local event = {}
    for name, value in pairs(values or {}) do
      if not fields[name] then host.unknown_option("SSEEvent.new", name, fields) end
      event[name] = value
    end
    return setmetatable(event, metatable)
  end,
}

-- For events that come back from a history.
host.new_event = SSEEvent.new
