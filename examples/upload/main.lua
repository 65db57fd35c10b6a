-- Uploads: a form with files, and how far the server is with reading them, told to the page on its own stream.
--
-- A request's body arrives whole before its handler runs. So there are two progresses: the browser knows how much it
-- has sent, and the script how much it has read since.
local crc32 = require "lib.crc32"

local LIMIT <const> = 4 * 1024 * 1024 -- bytes of a request; a larger one gets 413, and no script sees it
local MOST <const> = 8                -- files that are kept; they lie in memory, never under the name of a stranger
local SLICE <const> = 64 * 1024       -- bytes that are read at once: some milliseconds, in which nobody else is served

HTTPServer.set_max_request_size(LIMIT)

local files = {} -- the newest first
local count = 0  -- of all files so far: the ids
local pages = {} -- the uuid of a page's stream -> its connection id

local function refuse(response, message) response:set_status(400):set_json { error = message } end

-- What pages show of the files.
local function list()
  local shown = JSON.array {}
  for index, file in ipairs(files) do
    shown[index] = { id = file.id, name = file.name, bytes = #file.data, lines = file.lines, crc32 = file.crc32 }
  end
  return shown
end

-- What is wrong with an uploaded file; nil when nothing is.
local function fault_of(file)
  if type(file) ~= "table" then return "file must be a file" end
  if file.filename == "" then return "choose a file" end
  if #file.filename > 255 or not utf8.len(file.filename) then return "a name must be UTF-8 of at most 255 bytes" end
end

-- Counts the lines of a file and sums it up; calls on_slice(bytes) for each slice. Each sleep lets the others run, and
-- is where the handler ends if its client has left meanwhile.
local function read(data, on_slice)
  local lines, crc = 0, 0
  for first = 1, #data, SLICE do
    local slice = data:sub(first, first + SLICE - 1)
    for _ in slice:gmatch("\n") do lines = lines + 1 end
    crc = crc32(slice, crc)
    on_slice(#slice)
    sleep(0)
  end
  return lines, crc
end

-- MARK: the routes

-- The stream of a page. Its first event is "welcome" with a uuid, by which the page names itself when it uploads: a
-- connection id could be guessed by another.
HTTPServer.register_route("GET", "/events", function(request, response)
  local connection = response:start_sse { welcome = true, retry = 1000 }
  if not connection.active then return end -- a HEAD request
  local uuid = connection.uuid
  pages[uuid] = connection.connection_id
  connection.disconnected:connect(function() pages[uuid] = nil end)
  connection:send("limits", { bytes = LIMIT, files = MOST })
  connection:send("files", list())
end)

HTTPServer.register_route("POST", "/files", function(request, response)
  local form, message = request:parse_form_data()
  if not form then return refuse(response, message) end
  local uploads, bytes = request:get_form_values("file"), 0
  if #uploads == 0 then return refuse(response, "choose a file") end
  if #uploads > MOST then return refuse(response, "choose at most " .. MOST .. " files") end
  for _, upload in ipairs(uploads) do
    local fault = fault_of(upload)
    if fault then return refuse(response, fault) end
    bytes = bytes + #upload.data
  end

  local done = 0
  local function tell(upload, more)
    done = done + more
    local page = pages[form.page] -- looked up each time: it may have gone, or there is none, as with curl
    if page then HTTPServer.send_sse_event(page, "progress", { name = upload.filename, done = done, bytes = bytes }) end
  end
  local read_files = {}
  for index, upload in ipairs(uploads) do
    local lines, crc = read(upload.data, function(more) tell(upload, more) end)
    read_files[index] = { name = upload.filename, data = upload.data, lines = lines, crc32 = ("%08x"):format(crc) }
  end

  for _, file in ipairs(read_files) do -- without a wait in between: all or none
    count = count + 1
    file.id = count
    table.insert(files, 1, file)
    files[MOST + 1] = nil
  end
  HTTPServer.broadcast("files", list())
  response:set_status(201):set_json { files = #read_files }
end)

-- A stranger's file goes out as bytes to be saved: as a page of this server it could do what our own page may.
HTTPServer.register_route("GET", "/files/{id}", function(request, response)
  for _, file in ipairs(files) do
    if tostring(file.id) == request.path_params.id then
      local name = file.name:gsub("[^%w._-]", function(character) return ("%%%02X"):format(character:byte()) end)
      return response:set_content_type("application/octet-stream")
        :set_header("Content-Disposition", "attachment; filename*=UTF-8''" .. name)
        :set_header("X-Content-Type-Options", "nosniff")
        :set_body(file.data)
    end
  end
  response:set_status(404):set_json { error = "there is no such file, or no more" }
end)
