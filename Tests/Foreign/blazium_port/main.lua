-- Every name of Blazium's HTTPServer module, used as a Godot script uses it; only the syntax is Lua's.
-- What each call gave goes to the log at the end. test_blazium_port.py plays the clients, and knows what it should be.
local node = {}
local seen = {}
local held

local function note(what, value)
  seen[what] = value == nil and "nothing" or value
end

-- For what must not work: whether it raised.
local function raises(callback, ...)
  return not pcall(callback, ...)
end

function node:_ready()
  note("is_listening at first", HTTPServer.is_listening())
  note("get_port at first", HTTPServer.get_port())
  note("listen with TLS but no key", HTTPServer.listen(8443, "127.0.0.1", true))
  note("listen with a key that is not there", HTTPServer.listen(8443, "127.0.0.1", true, "no.key", "no.crt"))
  note("listen with a key that is none", HTTPServer.listen(8443, "127.0.0.1", true, "main.lua", "main.lua"))
  note("listen at no address", HTTPServer.listen(8080, "no address"))
  note("listen", HTTPServer.listen(8080, "127.0.0.1"))
  note("listen twice", HTTPServer.listen(8081, "127.0.0.1"))
  note("is_listening", HTTPServer:is_listening())
  note("get_port", HTTPServer:get_port() > 0)

  HTTPServer.register_route("GET", "/cleared", node.on_answer)
  HTTPServer.clear_routes()
  HTTPServer.register_route("GET", "/unregistered", node.on_answer)
  HTTPServer.unregister_route("GET", "/unregistered")
  HTTPServer.register_route("get", "/player/{name}", node.on_player)
  HTTPServer.register_route("GET", "/player/{other}", node.on_answer) -- the first one registered wins
  HTTPServer.register_route("GET", "/answer", node.on_answer)
  HTTPServer.register_route("POST", "/json", node.on_json)
  HTTPServer.register_route("POST", "/form", node.on_form)
  HTTPServer.register_route("GET", "/file", function(request, response) response:set_file("files/scores.txt") end)
  HTTPServer.register_route("GET", "/no-file", function(request, response) response:set_file("files/none.txt") end)
  HTTPServer.register_route("GET", "/broken", function(request, response) error("it broke") end)
  HTTPServer.register_route("GET", "/events", node.on_events)
  HTTPServer.register_route("GET", "/object", node.on_object)
  HTTPServer.register_route("POST", "/close", function() HTTPServer.close_sse_connection(1) end)
  HTTPServer.register_route("GET", "/last", function(request, response) response:start_sse() end)
  HTTPServer.register_route("GET", "/held", node.on_held)
  HTTPServer.register_route("POST", "/complete", node.on_complete)
  HTTPServer:register_route("POST", "/stop", node.on_stop)

  note("get_static_directory at first", HTTPServer.get_static_directory())
  HTTPServer.set_static_directory("files")
  note("get_static_directory", HTTPServer.get_static_directory())
  note("is_directory_listing_enabled at first", HTTPServer.is_directory_listing_enabled())
  HTTPServer.enable_directory_listing(true)
  note("is_directory_listing_enabled", HTTPServer.is_directory_listing_enabled())

  note("is_cors_enabled at first", HTTPServer.is_cors_enabled())
  HTTPServer.set_cors_enabled(false)
  note("is_cors_enabled", HTTPServer:is_cors_enabled())
  HTTPServer:set_cors_enabled(true)
  note("get_cors_origin at first", HTTPServer.get_cors_origin())
  HTTPServer.set_cors_origin("https://game.example")
  note("get_cors_origin", HTTPServer.get_cors_origin())

  note("get_max_request_size at first", HTTPServer.get_max_request_size())
  HTTPServer.set_max_request_size(1)
  note("get_max_request_size of too little", HTTPServer.get_max_request_size())
  HTTPServer:set_max_request_size(8192)
  note("get_max_request_size", HTTPServer:get_max_request_size())

  note("connect", HTTPServer.sse_connection_opened.connect(node.on_opened))
  note("is_connected", HTTPServer.sse_connection_opened.is_connected(node.on_opened))
  HTTPServer.sse_connection_closed:connect(node.on_closed)
  HTTPServer.server_error.connect(function(error_message) note("server_error", error_message) end)
end

-- HTTPRequestContext

function node.on_player(request, response)
  note("method", request.method == request:get_method() and request.method)
  note("path", request.path == request:get_path() and request.path)
  note("raw_path", request.raw_path == request:get_raw_path() and request.raw_path)
  note("query_params", request.query_params.tag == request:get_query_params().tag and request.query_params)
  note("path_params", request.path_params.name == request:get_path_params().name and request.path_params)
  note("headers", request.headers["x-team"] == request:get_headers()["X-Team"] and request.headers["x-team"])
  note("body", request.body == request:get_body() and request.body)
  note("client_ip", request.client_ip == request:get_client_ip() and request.client_ip)
  note("client_port", request.client_port == request:get_client_port() and request.client_port > 0)
  note("get_client_id", request:get_client_id() > 0)
  note("get_header", request:get_header("X-TEAM"))
  note("get_header without one", request:get_header("X-None"))
  note("get_header with a default", request:get_header("X-None", "none"))
  note("has_header", request:has_header("x-team") and not request:has_header("X-None"))
  note("get_query_param", request:get_query_param("level"))
  note("get_query_param with a default", request:get_query_param("none", "0"))
  note("has_query_param", request:has_query_param("level") and not request:has_query_param("none"))
  note("get_path_param", request:get_path_param("name"))
  note("get_path_param with a default", request:get_path_param("other", "nobody"))
  note("has_path_param", request:has_path_param("name") and not request:has_path_param("other"))
  for _, name in ipairs { "method", "path", "raw_path", "query_params", "path_params", "headers", "body", "client_ip",
    "client_port", "client_id" } do
    note("request." .. name .. " = raises", raises(function() request[name] = "x" end))
    note("request:set_" .. name .. " raises", raises(function() request["set_" .. name](request, "x") end))
  end
end

function node.on_json(request, response)
  local value = request:parse_json_body()
  response:set_json(value or { "no JSON" })
end

function node.on_form(request, response)
  response:set_json(request:parse_form_data())
end

-- HTTPResponse

function node.on_answer(request, response)
  note("status_code at first", response.status_code)
  note("body at first", response.body)
  note("headers at first", next(response.headers) == nil)
  note("response.headers = raises", raises(function() response.headers = {} end))
  response:set_status(202)
  note("get_status", response:get_status())
  response.status_code = 201
  response.body = "a"
  note("get_body", response:get_body())
  response:set_body("made")
  response:set_content_type("text/csv")
  response:add_header("Set-Cookie", "a=1")
  response:add_header("Set-Cookie", "b=2")
  note("get_headers", response:get_headers()["content-type"])
  note("is_sse_response of an answer", response:is_sse_response())
  local others = { "is_file", "get_file_path", "is_sent", "mark_sent", "get_held_client_id", "set_held_client_id" }
  for _, name in ipairs(others) do note("response." .. name, response[name]) end
end

function node.on_held(request, response)
  note("is_held at first", response:is_held())
  response:hold()
  note("is_held", response:is_held())
  held = { client = request:get_client_id(), response = response }
  print("held")
end

function node.on_complete(request, response)
  note("complete_response of nobody", HTTPServer.complete_response(-1, held.response))
  note("complete_response with nil", HTTPServer.complete_response(held.client, nil))
  note("complete_response of what is not held", HTTPServer.complete_response(request:get_client_id(), response))
  held.response:set_status(202):set_body("completed")
  note("complete_response", HTTPServer.complete_response(held.client, held.response))
  note("complete_response twice", HTTPServer.complete_response(held.client, held.response))
end

-- Streams by id

function node.on_events(request, response)
  response:start_sse()
  note("is_sse_response", response:is_sse_response())
end

function node.on_opened(connection_id, path, headers)
  if path ~= "/events" then return end
  note("sse_connection_opened", { connection_id, path, headers["last-event-id"], headers["Last-Event-ID"] })
  note("get_active_sse_connections", HTTPServer.get_active_sse_connections())
  note("send_sse_retry", HTTPServer.send_sse_retry(connection_id, -1))
  note("send_sse_event", HTTPServer.send_sse_event(connection_id, "endpoint", "/messages", "a:1"))
  note("send_sse_data", HTTPServer:send_sse_data(connection_id, "one\r\ntwo"))
  note("send_sse_comment", HTTPServer.send_sse_comment(connection_id, "keepalive"))
  note("send_sse_comment of nothing", HTTPServer.send_sse_comment(connection_id))
  note("send_sse_event of a bad type", HTTPServer.send_sse_event(connection_id, "a\nb", "x"))
  note("send_sse_event of a bad id", HTTPServer.send_sse_event(connection_id, "a", "x", "1\n2"))
  note("send_sse_event to nobody", HTTPServer.send_sse_event(4711, "a", "x"))
  note("send_sse_data to nobody", HTTPServer.send_sse_data(4711, "x"))
  note("send_sse_retry to nobody", HTTPServer.send_sse_retry(4711, 1))
  note("send_sse_comment to nobody", HTTPServer.send_sse_comment(4711, "x"))
  note("close_sse_connection of nobody", HTTPServer.close_sse_connection(4711))
end

function node.on_closed(connection_id, reason)
  note("sse_connection_closed " .. connection_id, reason)
  note("send_sse_data when closed " .. connection_id, HTTPServer.send_sse_data(connection_id, "x"))
  if reason == "shutdown" then print("report", JSON.encode(seen)) end
end

-- SSEConnection

function node.on_object(request, response)
  local connection = response:start_sse()
  note("connection_id", connection.connection_id == connection:get_connection_id() and connection.connection_id)
  note("connection.path", connection.path == connection:get_path() and connection.path)
  note("is_connection_active", connection:is_connection_active())
  note("send_event", connection:send_event("tick", "1"))
  note("send_event with an id", connection:send_event("tick", "2", "b:2"))
  note("send_data", connection:send_data("3"))
  note("set_connection_id of a stream raises", raises(connection.set_connection_id, connection, 9))
  note("set_path of a stream raises", raises(connection.set_path, connection, "/x"))
  connection:close_connection()
  note("is_connection_active when closed", connection:is_connection_active())
  note("send_event when closed", connection:send_event("tick", "4"))

  local made = SSEConnection.new()
  note("connection_id of a new one", made.connection_id)
  note("path of a new one", made.path)
  made:set_connection_id(7)
  made:set_path("/made")
  note("a new one as it was set", { made.connection_id, made.path })
  note("send_data of a new one", made:send_data("x"))
end

function node.on_stop(request, response)
  HTTPServer.stop()
  note("is_listening after stop", HTTPServer.is_listening())
  note("get_port after stop", HTTPServer.get_port())
end

return node
