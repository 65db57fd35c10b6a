-- A log-in over TLS: cookies, sessions, who may do what, a stream for those who are in, and one other origin.
--
-- Make a certificate first (examples/secure/make-certificate), then open https://localhost:8443.
local SECONDS <const> = 8 * 3600 -- of a session
local ATTEMPTS <const> = 5       -- wrong passwords in a minute from one address

-- Two users for this demonstration, their passwords for everyone to read. Real ones are never kept as they are, only as
-- slow, salted hashes (Argon2, bcrypt). Mooncast has nothing that makes those, so let somebody else check them: a
-- service of your own, or an identity provider.
local USERS <const> = {
  ann = { password = "moonlight", may_write = true },
  bob = { password = "starlight", may_write = false },
}

-- Pages of this origin may call us, and their browser sends the cookie along; no others. Ports count in an origin.
local FRIEND <const> = Env.get("FRIEND_ORIGIN", "https://localhost:8444")
HTTPServer.set_cors_origins { FRIEND }
HTTPServer.set_cors_credentials(true)

HTTPServer.set_max_request_size(16 * 1024)
SSEPublisher.default:configure("log", { history = 50 })

local function refuse(response, status, message)
  -- RFC 9110 has every 401 name a scheme; at this one no browser asks for a password by itself.
  if status == 401 then response:set_header("WWW-Authenticate", "Cookie") end
  response:set_status(status):set_json { error = message }
end

-- MARK: sessions

-- With this prefix a browser takes the cookie only from this very host, and only with TLS.
local COOKIE <const> = "__Host-session"
local COOKIE_OPTIONS <const> = { secure = true, http_only = true, same_site = "Strict" }

local function session_key(id) return "session:" .. id end

-- The id of the request's session, and the session; nil when there is none.
local function session_of(request)
  local id = request.cookies[COOKIE]
  local session = id and Registry.get(session_key(id))
  if session then return id, session end
end

local function end_session(id)
  local session = Registry.get(session_key(id))
  if not session then return end
  Registry.remove(session_key(id))
  -- The browsers come back, and get 401.
  for connection_id in pairs(session.streams) do HTTPServer.close_sse_connection(connection_id) end
end

-- A session's id is all that it takes to be that user: UUID.v4 is random enough that nobody guesses one.
local function begin_session(name)
  local id = UUID.v4()
  Registry.set(session_key(id), { name = name, streams = {} })
  Engine.create_timer(SECONDS).timeout:connect(function() end_session(id) end)
  return id
end

-- MARK: passwords

-- Looks at every byte, right or wrong: how long it takes says nothing about how many were right.
local function is_same(given, wanted)
  local difference = #given ~ #wanted
  for index = 1, #given do
    difference = difference | (given:byte(index) ~ wanted:byte((index - 1) % #wanted + 1))
  end
  return difference == 0
end

local function is_right(name, password)
  if type(name) ~= "string" or type(password) ~= "string" then return false end
  local user = USERS[name]
  -- An unknown name takes as long, so that nobody learns which names there are.
  return is_same(password, user and user.password or "nobody's password") and user ~= nil
end

local wrong = {} -- client_ip -> wrong passwords in the last minute

local function count_wrong(ip)
  wrong[ip] = (wrong[ip] or 0) + 1
  Engine.create_timer(60).timeout:connect(function()
    wrong[ip] = wrong[ip] > 1 and wrong[ip] - 1 or nil
  end)
end

-- MARK: middleware, in the order in which it runs

-- Whatever is answered: no scripts and styles but our own files, in nobody's frame, and types are what we say.
local CONTENT_POLICY <const> = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

HTTPServer.use(function(request, response, next)
  response:set_header("Content-Security-Policy", CONTENT_POLICY)
  response:set_header("X-Content-Type-Options", "nosniff")
  response:set_header("Referrer-Policy", "same-origin")
  next()
end)

-- A page anywhere can have a browser send a form to us. SameSite keeps the cookie from other sites' forms, but another
-- port or a neighbour below the same domain is the same site. What changes something must come from a page we know.
HTTPServer.use(function(request, response, next)
  local is_reading = request.method == "GET" or request.method == "HEAD" or request.method == "OPTIONS"
  local origin = request:get_header("Origin") -- browsers always send it with a POST, and no page can forge it
  local own = "https://" .. request:get_header("Host")
  if is_reading or origin == "" or origin == own or origin == FRIEND then return next() end
  refuse(response, 403, "not from " .. origin)
end)

-- The guard: below /private nobody gets further without a session.
HTTPServer.use("/private", function(request, response, next)
  local _, session = session_of(request)
  if not session then return refuse(response, 401, "log in first") end
  request.session = session -- own fields live as long as the request
  next()
end)

-- MARK: the routes

HTTPServer.register_route("POST", "/login", function(request, response)
  local ip = request.client_ip
  if (wrong[ip] or 0) >= ATTEMPTS then
    response:set_header("Retry-After", "60")
    return refuse(response, 429, "too many wrong passwords: wait a minute")
  end
  local form = request:parse_form_data() or {}
  if not is_right(form.name, form.password) then
    count_wrong(ip)
    Log.warn("a wrong name or password", { client = ip })
    return refuse(response, 401, "wrong name or password")
  end
  end_session(request.cookies[COOKIE] or "") -- a new id for every log-in
  response:set_cookie(COOKIE, begin_session(form.name), COOKIE_OPTIONS):set_status(204)
end)

HTTPServer.register_route("POST", "/logout", function(request, response)
  end_session(request.cookies[COOKIE] or "")
  local removal = { max_age = 0 }
  for option, value in pairs(COOKIE_OPTIONS) do removal[option] = value end
  response:set_cookie(COOKIE, "", removal):set_status(204)
end)

HTTPServer.register_route("GET", "/private/me", function(request, response)
  local name = request.session.name
  response:set_header("Cache-Control", "no-store"):set_json { name = name, may_write = USERS[name].may_write }
end)

-- Without a session a browser gets 401, which an EventSource takes for final, and the page of a stranger 403.
HTTPServer.register_route("GET", "/private/log", function(request, response)
  local streams = request.session.streams
  local connection = response:start_sse {
    channels = { "log" },
    replay = "all",
    retry = 1000,
    allowed_origins = { FRIEND },
  }
  if not connection.active then return end
  local id = connection.connection_id
  streams[id] = true
  connection.disconnected:connect(function() streams[id] = nil end)
end)

HTTPServer.register_route("POST", "/private/log", function(request, response)
  local name = request.session.name
  if not USERS[name].may_write then return refuse(response, 403, name .. " may read, but not write") end
  local form = request:parse_form_data() or {}
  local text = form.text
  if type(text) ~= "string" or not text:find("%S") or #text > 500 then
    return refuse(response, 400, "text must be 1 to 500 bytes")
  end
  HTTPServer.channel("log"):publish("entry", { name = name, text = text, time = Time.now() })
  response:set_status(204)
end)

-- MARK: TLS

if HTTPServer.listen(8443, "127.0.0.1", true, "tls/key.pem", "tls/certificate.pem") == ERR_FILE_NOT_FOUND then
  Log.error("There is no certificate yet. To make one, run examples/secure/make-certificate")
end
