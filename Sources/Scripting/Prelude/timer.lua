-- Timer, and the one-shot timers of Engine.create_timer.
local host = ...

local PRIVATE = {}
local methods = {}
local properties = { wait_time = "number", one_shot = "boolean", autostart = "boolean" }

local function check_seconds(method, name, value, position)
  if type(value) ~= "number" or value ~= value or value <= 0 or value == math.huge then
    host.argument_error(method, position or 1, name, "a number of seconds above 0", value)
  end
end

local function stop(state)
  if state.running then host.cancel(state.running) end
  state.running, state.due = nil, nil
end

local function schedule(self, state, due)
  state.due = due
  state.running = host.at(due, "timer", function()
    state.running = nil
    -- A repeating timer keeps its rhythm; ticks that came too late are not made up.
    if not state.one_shot then
      schedule(self, state, math.max(due + state.wait_time, host.now()))
    else
      state.due = nil
    end
    host.emit(state.timeout)
  end)
end

function methods.start(self, time)
  local state = self[PRIVATE]
  if time ~= nil then
    check_seconds("Timer.start", "time", time)
    state.wait_time = time
  end
  stop(state)
  schedule(self, state, host.now() + state.wait_time)
end

function methods.stop(self)
  stop(self[PRIVATE])
end

function methods.is_stopped(self)
  return self[PRIVATE].running == nil
end

local metatable = {
  __name = "Timer",
  __metatable = false,
}

local function read_property(self, name)
  local state = self[PRIVATE]
  if name == "timeout" then return state.timeout end
  if name == "time_left" then return state.due and math.max(0, state.due - host.now()) or 0 end
  if properties[name] then return state[name] end
  return nil
end

-- `r` is what `self:method()` finds; a call with '.' is told to use ':'.
local checked = {}
for name, method in pairs(methods) do
  checked[name] = function(self, ...)
    if type(self) ~= "table" or not rawget(self, PRIVATE) then error("use timer:" .. name .. "() (':' not '.')", 2) end
    return method(self, ...)
  end
end

local names = { timeout = true, time_left = true, wait_time = true, one_shot = true, autostart = true }
for name in pairs(methods) do names[name] = true end

function metatable.__index(self, name)
  if checked[name] then return checked[name] end
  local value = read_property(self, name)
  if value == nil and not names[name] then return host.object_member("Timer", self, name, names) end
  return value
end

local function write_property(name, value, method)
  local expected = properties[name]
  if not expected then
    if names[name] then error("Timer." .. name .. " cannot be assigned", 3) end
    host.unknown_member("Timer", name, names)
  end
  if name == "wait_time" then
    check_seconds(method, name, value)
  elseif type(value) ~= expected then
    host.argument_error(method, 1, name, "a " .. expected, value)
  end
end

function metatable.__newindex(self, name, value)
  write_property(name, value, "Timer." .. tostring(name))
  self[PRIVATE][name] = value
end

local function make(wait_time, one_shot)
  local state = { wait_time = wait_time, one_shot = one_shot, autostart = false, timeout = host.new_signal("timeout") }
  return setmetatable({ [PRIVATE] = state }, metatable)
end

Timer = {
  new = function(options)
    local timer = make(1, false)
    if options ~= nil and type(options) ~= "table" then host.argument_error("Timer.new", 1, "options", "a table", options) end
    for name, value in pairs(options or {}) do
      if not properties[name] then host.unknown_option("Timer.new", name, properties) end
      write_property(name, value, "Timer.new")
      timer[PRIVATE][name] = value
    end
    if timer.autostart then timer:start() end
    return timer
  end,
}

function host.create_timer(first, second)
  local seconds = first
  if rawequal(first, Engine) then seconds = second end -- a singleton's function takes '.' or ':'
  check_seconds("Engine.create_timer", "seconds", seconds)
  local timer = make(seconds, true)
  timer:start()
  return timer
end

function host.is_timer(value)
  return type(value) == "table" and rawget(value, PRIVATE) ~= nil
end

local signal_names = host.signal_names
function host.signal_names(object)
  if host.is_timer(object) then return { "timeout" } end
  return signal_names(object)
end
