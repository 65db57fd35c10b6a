-- Signals, as in Godot: named lists of callbacks. Callbacks run in connection order over a copy of the list, each in
-- a coroutine of its own; one that raises or waits does not stop the others.
local host = ...

-- The private part of a signal is under this key, which no script can have.
local PRIVATE = {}
local methods = {}

CONNECT_DEFERRED = 1
CONNECT_ONE_SHOT = 4
CONNECT_REFERENCE_COUNTED = 8

local function private(value)
  return type(value) == "table" and rawget(value, PRIVATE) or nil
end

local function check_callback(method, callback)
  if type(callback) ~= "function" then
    host.argument_error("Signal." .. method, 1, "callback", "a function", callback)
  end
end

local function find(state, callback)
  for index, connection in ipairs(state.connections) do
    if connection.callback == callback then return index end
  end
end

-- The host asks before it makes arguments for nobody, and before it wakes nobody.
local function note_listeners(state)
  if state.watch then host.watch(state.watch, #state.connections > 0, next(state.waiters) ~= nil) end
end

local function remove(state, index)
  table.remove(state.connections, index)
  note_listeners(state)
end

function methods.connect(self, callback, flags)
  check_callback("connect", callback)
  flags = flags or 0
  if math.type(flags) ~= "integer" then host.argument_error("Signal.connect", 2, "flags", "an integer", flags) end
  local state = self[PRIVATE]
  local index = find(state, callback)
  if index then
    local connection = state.connections[index]
    if flags & CONNECT_REFERENCE_COUNTED ~= 0 and connection.references then
      connection.references = connection.references + 1
      return OK
    end
    host.log_error("signal '" .. state.name .. "': this callback is already connected")
    return ERR_INVALID_PARAMETER
  end
  local references = flags & CONNECT_REFERENCE_COUNTED ~= 0 and 1 or nil
  table.insert(state.connections, { callback = callback, flags = flags, references = references })
  note_listeners(state)
  return OK
end

function methods.disconnect(self, callback)
  check_callback("disconnect", callback)
  local state = self[PRIVATE]
  local index = find(state, callback)
  if not index then
    host.log_error("signal '" .. state.name .. "': this callback is not connected")
    return
  end
  local connection = state.connections[index]
  if connection.references and connection.references > 1 then
    connection.references = connection.references - 1
  else
    remove(state, index)
  end
end

function methods.is_connected(self, callback)
  check_callback("is_connected", callback)
  return find(self[PRIVATE], callback) ~= nil
end

function methods.has_connections(self)
  return #self[PRIVATE].connections > 0
end

function methods.get_connections(self)
  local list = {}
  for index, connection in ipairs(self[PRIVATE].connections) do
    list[index] = { signal = self, callable = connection.callback, flags = connection.flags }
  end
  return list
end

function methods.get_name(self)
  return self[PRIVATE].name
end

function methods.once(self, callback)
  return methods.connect(self, callback, CONNECT_ONE_SHOT)
end

function methods.wait(self, timeout)
  return await(self, timeout)
end

-- The connections to run now, one-shot ones taken out.
local function take(state)
  local taken = table.move(state.connections, 1, #state.connections, 1, {})
  for _, connection in ipairs(taken) do
    if connection.flags & CONNECT_ONE_SHOT ~= 0 then
      local index = find(state, connection.callback)
      if index then remove(state, index) end
    end
  end
  return taken
end

-- Those that wait go on in entrances of their own, in the order in which they began to wait.
local function wake_waiters(state, ...)
  if next(state.waiters) == nil then return end
  local tickets = {}
  for ticket in pairs(state.waiters) do tickets[#tickets + 1] = ticket end
  table.sort(tickets)
  state.waiters = {}
  note_listeners(state)
  for _, ticket in ipairs(tickets) do host.wake(ticket, ...) end
end

function methods.emit(self, ...)
  local state = self[PRIVATE]
  for _, connection in ipairs(take(state)) do
    local run = connection.flags & CONNECT_DEFERRED ~= 0 and host.defer or host.spawn
    run("signal " .. state.name, connection.callback, ...)
  end
  wake_waiters(state, ...)
end

-- Methods are bound once per signal and kept in it, so that '.' and ':' are the same call.
local function bind(self, name)
  local method = methods[name]
  if not method then host.unknown_member("Signal", name, methods) end
  local function bound(first, ...)
    if rawequal(first, self) then return method(self, ...) end
    return method(self, first, ...)
  end
  rawset(self, name, bound)
  return bound
end

local metatable = {
  __name = "Signal",
  __index = bind,
  __newindex = function(_, name)
    error("Signal." .. tostring(name) .. " cannot be assigned", 2)
  end,
  __tostring = function(self)
    return "<Signal " .. self[PRIVATE].name .. ">"
  end,
  __metatable = false,
}

-- `watch` is the host's number for a signal that the host emits.
local function new(name, watch)
  return setmetatable({ [PRIVATE] = { name = name, connections = {}, waiters = {}, watch = watch } }, metatable)
end

Signal = {
  new = function(name)
    if type(name) ~= "string" then host.argument_error("Signal.new", 1, "name", "a string", name) end
    return new(name)
  end,
}

-- For the rest of the prelude, and for the host.
host.new_signal = new
host.signal_state = private
host.note_listeners = note_listeners
-- The callbacks in the order in which they run: the host gives each an entrance of its own, and the deferred ones
-- come last. One that stays alone comes without a table, which most emissions need not make then.
function host.take_callbacks(signal)
  local connections = signal[PRIVATE].connections
  if #connections == 1 and connections[1].flags & CONNECT_ONE_SHOT == 0 then return connections[1].callback end
  local callbacks, deferred = {}, {}
  for _, connection in ipairs(take(signal[PRIVATE])) do
    local list = connection.flags & CONNECT_DEFERRED ~= 0 and deferred or callbacks
    list[#list + 1] = connection.callback
  end
  return table.move(deferred, 1, #deferred, #callbacks + 1, callbacks)
end
function host.wake_signal(signal, ...)
  wake_waiters(signal[PRIVATE], ...)
end
