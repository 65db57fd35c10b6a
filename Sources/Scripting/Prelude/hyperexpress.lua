-- HyperExpress: response.sse, the events of a response by their names there, and the calls that end one.
local host = ...

-- A key that no script can have: of a response's own field for its signal `prepare`.
local PREPARE <const> = {}
-- What is deferred runs after all others.
local LAST <const> = CONNECT_DEFERRED

-- A response ends in one way, once: `on` is the same as `once`.
local events = { prepare = { PREPARE }, finish = { "finished" }, abort = { "disconnected" } }
events.close = { "finished", "disconnected" }

local function listen(method, response, event, callback)
  if type(event) ~= "string" then host.argument_error(method, 1, "event", "a string", event) end
  if type(callback) ~= "function" then host.argument_error(method, 2, "callback", "a function", callback) end
  if not events[event] then
    host.fail(method .. ": there is no event '" .. event .. "'" .. host.hint(event, nil, events))
  end
  local request = host.request_of(response)
  response[PREPARE] = response[PREPARE] or host.new_signal("prepare")
  for _, signal in ipairs(events[event]) do
    response[signal]:connect(function() callback(request, response) end, event == "close" and LAST or 0)
  end
  return response
end

-- The head is about to go out: callbacks may still change it.
local function prepare(response)
  local signal = response[PREPARE]
  if signal then signal:emit() end
end

-- Sends what the response's method makes of a value; false when nobody can be answered any more.
local function answer(response, method, value, content_type)
  if host.is_over(response) then return false end
  if content_type then response:set_content_type(content_type) end
  if method then response[method](response, value) end
  prepare(response)
  return host.send(response)
end

local function kind_is(kind)
  return function(value) return host.kind(value) == kind and value end
end

host.response_functions = host.methods("response", {
  on = function(...) return listen("HTTPResponse.on", ...) end,
  once = function(...) return listen("HTTPResponse.once", ...) end,
  send = function(response, body) return answer(response, body ~= nil and "set_body", body) end,
  json = function(response, value) return answer(response, "set_json", value) end,
  html = function(response, text) return answer(response, "set_body", text, "text/html; charset=utf-8") end,
  file = function(response, path) return answer(response, "set_file", path) end,
  status = function(response, code) return response:set_status(code) end,
  header = function(response, name, value, overwrites)
    return response[overwrites and "set_header" or "add_header"](response, name, value)
  end,
}, kind_is("HTTPResponse"))

host.request_functions = host.methods("request", {
  text = function(request) return request.body end,
  json = function(request, default)
    local value = request:parse_json_body()
    if value == nil then return default == nil and {} or default end
    return value
  end,
  urlencoded = function(request) return request:parse_form_data() end,
}, kind_is("HTTPRequestContext"))

-- What a stream is sent by: opened when first asked for; nil when the response has become something else.
local function connection_of(state)
  if not state.connection and not host.is_over(state.response) then
    prepare(state.response)
    state.connection = state.response:start_sse()
  end
  return state.connection
end

local function comment(state, text)
  local connection = connection_of(state)
  return connection ~= nil and connection:comment(text)
end

local new_stream = host.new_class("SSEventStream", "response.sse", {
  open = function(state) return comment(state, "open") end,
  comment = comment,
  send = function(state, ...)
    local connection = connection_of(state)
    return connection ~= nil and connection:send(...)
  end,
  close = function(state)
    if state.connection then return state.connection:close() end
    return answer(state.response)
  end,
}, {
  active = function(state) return not host.is_over(state.response) end,
  connection = function(state) return state.connection end,
})

function host.new_event_stream(request, response)
  if request.method == "GET" then return new_stream { response = response } end
end
