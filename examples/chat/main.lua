-- A chat with rooms: each room is a channel with history, so a browser that reconnects gets what it missed.
-- Nobody logs in: whoever gives a name has it. Where that matters, take the name from your own session instead.
local GRACE <const> = 2 -- seconds to come back (a reload, a tunnel) before the others are told "left"

SSEPublisher.default:configure("room:*", { history = 200, max_age = 24 * 3600 })

local function channel_of(room) return HTTPServer.channel("room:" .. room) end

local function refuse(response, message) response:set_status(400):set_json { error = message } end

-- What is wrong with the names of a room and a person; nil when nothing is.
local function fault_of(room, name)
  if not room:find("^[a-z0-9-]+$") or #room > 32 then
    return "room must be 1 to 32 of a-z, 0-9 and -"
  end
  local length = type(name) == "string" and utf8.len(name) -- nil for what is not UTF-8
  if not length or length > 32 or not name:find("%S") then
    return "name must be 1 to 32 characters"
  end
  if name:find("%c") or name:find("\xC2[\x80-\x9F]") then
    return "name must be without control characters"
  end
end

-- MARK: who is here

local rooms = {} -- room -> name -> how many of that name's streams are open

-- Counts a stream in (1) or out (-1), and tells the room who is here now.
local function count(room, name, change)
  local people = rooms[room] or {}
  local before = people[name] or 0
  local now = before + change
  people[name] = now > 0 and now or nil
  rooms[room] = next(people) and people or nil

  local names = JSON.array {}
  for each in pairs(people) do names[#names + 1] = each end
  table.sort(names)
  channel_of(room):publish("here", {
    names = names,
    joined = before == 0 and name or nil,
    left = now == 0 and name or nil,
  })
end

-- MARK: the routes

HTTPServer.register_route("GET", "/rooms/{room}/stream", function(request, response)
  local room, name = request:get_path_param("room"), request:get_query_param("name")
  local fault = fault_of(room, name)
  if fault then return refuse(response, fault) end

  -- A newcomer gets the last 50 events; a browser that comes back with Last-Event-ID exactly what it missed.
  local connection = response:start_sse { channels = { "room:" .. room }, replay = 50, retry = 1000 }
  if not connection.active then return end -- a HEAD request
  count(room, name, 1)
  connection.disconnected:connect(function()
    sleep(GRACE)
    count(room, name, -1)
  end)
end)

HTTPServer.register_route("POST", "/rooms/{room}/messages", function(request, response)
  local room = request:get_path_param("room")
  local message = request:parse_json_body()
  if type(message) ~= "table" then return refuse(response, 'the body must be JSON: {"name": "...", "text": "..."}') end
  local name, text = message.name, message.text
  local fault = fault_of(room, name)
  if fault then return refuse(response, fault) end
  if type(text) ~= "string" or text == "" or #text > 2000 then
    return refuse(response, "text must be 1 to 2000 bytes")
  end

  local err = channel_of(room):publish("message", { name = name, text = text, time = Time.now() })
  if err ~= OK then return response:set_status(503):set_json { error = error_string(err) } end
  response:set_status(204)
end)
