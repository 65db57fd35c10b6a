-- Runs a request through middleware: each is called with (request, response, next), and next() runs what follows.
local host = ...

local function run(callbacks, index, request, response)
  local callback = callbacks[index]
  if index == #callbacks then return callback(request, response) end
  local has_gone_on = false
  return callback(request, response, function(...)
    if select("#", ...) > 0 then error("next takes no arguments: what follows gets the request and the response", 2) end
    if has_gone_on then error("next was called already", 2) end
    has_gone_on = true
    return run(callbacks, index + 1, request, response)
  end)
end

function host.run_middleware(request, response, ...)
  return run({ ... }, 1, request, response)
end
