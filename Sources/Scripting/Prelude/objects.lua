-- Godot's Object functions for signals, for every object that has some: object:connect(name, callback) and so on.
local host = ...

local functions = {}
-- Signals of add_user_signal, by object. An object with user signals lives as long as the stream or server it is of.
local user_signals = setmetatable({}, { __mode = "k" })

local function find(object, name, method)
  if type(name) ~= "string" then host.argument_error(method, 1, "signal", "a string", name) end
  local own = user_signals[object]
  if own and own[name] then return own[name] end
  for _, known in ipairs(host.signal_names(object)) do
    if known == name then return object[name] end
  end
end

local function get(object, name, method)
  local signal = find(object, name, method)
  if signal then return signal end
  local known = {}
  for _, other in ipairs(functions.get_signal_list(object)) do known[other] = true end
  host.fail(method .. ": " .. host.kind(object) .. " has no signal '" .. name .. "'" .. host.hint(name, nil, known))
end

function functions.connect(object, name, callback, flags)
  return get(object, name, "connect"):connect(callback, flags)
end

function functions.disconnect(object, name, callback)
  return get(object, name, "disconnect"):disconnect(callback)
end

function functions.is_connected(object, name, callback)
  -- A client is asked for its connection by the same name.
  if name == nil and host.kind(object) == "Redis" then return object:is_online() end
  return get(object, name, "is_connected"):is_connected(callback)
end

function functions.emit_signal(object, name, ...)
  get(object, name, "emit_signal"):emit(...)
  return OK
end

function functions.has_signal(object, name)
  return find(object, name, "has_signal") ~= nil
end

function functions.get_signal_list(object)
  local names = {}
  for index, name in ipairs(host.signal_names(object)) do names[index] = name end
  local own = {}
  for name in pairs(user_signals[object] or {}) do own[#own + 1] = name end
  table.sort(own)
  return table.move(own, 1, #own, #names + 1, names)
end

function functions.add_user_signal(object, name)
  if find(object, name, "add_user_signal") then
    error("add_user_signal: " .. host.kind(object) .. " already has a signal '" .. name .. "'", 2)
  end
  user_signals[object] = user_signals[object] or {}
  user_signals[object][name] = host.new_signal(name)
  host.pin(object)
end

-- Functions as members of objects that are called with ':'. `receiver` gives what they take for the object; nil or
-- false where it is none.
function host.methods(instance, implementations, receiver)
  local members = {}
  for name, implementation in pairs(implementations) do
    members[name] = function(object, ...)
      local self = receiver(object)
      if not self then error("use " .. instance .. ":" .. name .. "() (':' not '.')", 2) end
      return implementation(self, ...)
    end
  end
  return members
end

-- As members of a class whose objects are called with ':'.
function host.object_functions(instance)
  return host.methods(instance, functions, function(object) return host.signal_names(object) and object end)
end

-- As members of a singleton, called with '.' or ':'.
function host.singleton_functions(object)
  local members = {}
  for name, implementation in pairs(functions) do
    members[name] = function(first, ...)
      if rawequal(first, object) then return implementation(object, ...) end
      return implementation(object, first, ...)
    end
  end
  return members
end

-- A class written in Lua: returns what makes an object of a state that scripts do not see. Methods and the readers of
-- properties take the state for the object, which may have own fields.
function host.new_class(name, instance, methods, properties)
  local STATE <const> = {}
  local function state_of(object) return type(object) == "table" and rawget(object, STATE) end
  local members = host.methods(instance, methods, state_of)
  local metatable = { __name = name, __metatable = false }
  function metatable.__index(object, member)
    if properties[member] then return properties[member](rawget(object, STATE)) end
    return members[member]
  end
  function metatable.__newindex(object, member, value)
    if members[member] or properties[member] then error(name .. "." .. member .. " cannot be assigned", 2) end
    rawset(object, member, value)
  end
  return function(state) return setmetatable({ [STATE] = state }, metatable) end
end

-- A table of functions, called with '.' or ':'.
function host.new_namespace(name, functions)
  local namespace, members = {}, {}
  for member, implementation in pairs(functions) do
    members[member] = function(first, ...)
      if rawequal(first, namespace) then return implementation(...) end
      return implementation(first, ...)
    end
  end
  return setmetatable(namespace, {
    __name = name,
    __metatable = false,
    __index = function(_, member) return members[member] or host.unknown_member(name, member, members) end,
    __newindex = function(_, member) error(name .. "." .. tostring(member) .. " cannot be assigned", 2) end,
  })
end

function host.check_kind(method, position, name, kind, value)
  if host.kind(value) ~= kind then host.argument_error(method, position, name, "a " .. kind, value) end
end

-- The same for an object written in Lua (Timer).
local timer_functions
function host.object_member(class, _, name, names)
  timer_functions = timer_functions or host.object_functions("timer")
  if timer_functions[name] then return timer_functions[name] end
  host.unknown_member(class, name, names)
end
