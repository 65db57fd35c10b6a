-- require: modules of the script directory. Written in Lua so that a module may wait while it loads.
local host = ...

local loaded = {}
local loading = {} -- name -> the signal that says it is done

package = { loaded = loaded }

function require(name)
  if type(name) ~= "string" then host.argument_error("require", 1, "name", "a string", name) end
  if loaded[name] ~= nil then return loaded[name] end
  local other = loading[name]
  if other then
    if other.task == host.task() then error("module '" .. name .. "' requires itself, perhaps by way of others", 2) end
    await(other.done)
    return require(name)
  end
  local chunk, message = host.load_module(name)
  if not chunk then error(message, 2) end
  local entry = { task = host.task(), done = host.new_signal("module " .. name) }
  loading[name] = entry
  local _ <close> = setmetatable({}, {
    __close = function()
      loading[name] = nil
      entry.done:emit()
    end,
  })
  local result = chunk(name)
  if loaded[name] == nil then loaded[name] = result == nil and true or result end
  return loaded[name]
end
