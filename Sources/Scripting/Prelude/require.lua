-- require: modules of the script directory. Written in Lua so that a module may wait while it loads.
local host = ...

local loaded = {}
local loading = {} -- name -> the task that loads it, and the signal that says it is done
local waiting = {} -- task -> the name that it waits for

package = { loaded = loaded }

-- Whether what is loading waits, perhaps by way of others, for the task.
local function waits_for(entry, task)
  while entry do
    if entry.task == task then return true end
    local name = waiting[entry.task]
    entry = name and loading[name]
  end
end

function require(name)
  if type(name) ~= "string" then host.argument_error("require", 1, "name", "a string", name) end
  if loaded[name] ~= nil then return loaded[name] end
  local other = loading[name]
  if other then
    local task = host.task()
    if waits_for(other, task) then host.fail("module '" .. name .. "' requires itself, perhaps by way of others") end
    do
      local _ <close> = setmetatable({}, { __close = function() waiting[task] = nil end })
      waiting[task] = name
      await(other.done)
    end
    return require(name)
  end
  local chunk, message = host.load_module(name)
  if not chunk then error(message, 0) end -- it has its own place
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
