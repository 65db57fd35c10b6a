-- What a call from Lua into the host costs, and what an entrance with a coroutine of its own costs.
-- Prints nanoseconds, with the empty loop taken off.
local CALLS <const> = 1000000
local ENTRANCES <const> = 300000

local function nothing() end

local function seconds_of(count, body)
  local start = os.clock()
  body(count)
  return os.clock() - start
end

local function empty(count)
  for _ = 1, count do nothing() end
end

local function call_host(count)
  for _ = 1, count do HTTPServer.is_listening() end
end

local function enter(count)
  for _ = 1, count do spawn(nothing) end
end

for _ = 1, 9 do
  local loop = seconds_of(CALLS, empty)
  local calls = seconds_of(CALLS, call_host) - loop
  local entrances = seconds_of(ENTRANCES, enter) - loop * ENTRANCES / CALLS
  print(string.format("boundary host_call_ns=%.1f entrance_ns=%.1f", calls / CALLS * 1e9, entrances / ENTRANCES * 1e9))
  sleep(0)
end
