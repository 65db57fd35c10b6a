-- A dashboard: the machine's load once a second, into a channel whose history a new page draws at once.
--
-- On Linux the figures are the machine's, from /proc. Where there is none (macOS), they are the server's own: its time
-- on the processor and its scripts' memory. In a container, PROC=/host/proc names the host's, if that is mounted.
local PROC <const> = Env.get("PROC", "/proc")
local SECONDS <const> = 300              -- what the page shows
local SCRIPT_MEMORY <const> = 256 * 2^20 -- what all scripts together may use

SSEPublisher.default:configure("load", { history = SECONDS, max_age = SECONDS })

-- The text of a file in /proc; nil where there is none.
local function read(name)
  local file <close> = io.open(PROC .. "/" .. name)
  return file and file:read("a")
end

-- Since the machine was started: the time that its processors have worked, and all their time.
local function processor_times(stat)
  local busy, all, field = 0, 0, 0
  for number in stat:match("^cpu[%d ]+"):gmatch("%d+") do
    field = field + 1
    if field > 8 then break end -- a guest's time is part of the user's already
    local ticks = tonumber(number)
    all = all + ticks
    if field ~= 4 and field ~= 5 then busy = busy + ticks end -- neither idle nor waiting for a disk
  end
  return busy, all
end

-- The machine's figures; nil without /proc.
local function machine()
  local stat, memory, load = read("stat"), read("meminfo"), read("loadavg")
  if not (stat and memory and load) then return nil end
  local function bytes(name) return 1024 * tonumber(memory:match(name .. ": +(%d+)")) end
  local _, processors = stat:gsub("\ncpu%d", "")
  local busy, all = processor_times(stat)
  local total = bytes("MemTotal")
  return {
    busy = busy,
    all = all,
    used = total - bytes("MemAvailable"),
    total = total,
    note = ("load %s, %d processor%s"):format(load:match("%S+"), processors, processors == 1 and "" or "s"),
  }
end

-- The same of this process.
local function process()
  return {
    busy = os.clock(),
    all = Time.monotonic(),
    used = HTTPServer.get_stats().scripts.memory,
    total = SCRIPT_MEMORY,
    note = "of one processor; this server alone, for there is no " .. PROC,
  }
end

local measure = machine() and machine or process
local before = measure()

local timer = Timer.new { wait_time = 1, autostart = true }
timer.timeout:connect(function()
  local now = measure()
  local busy, all = now.busy - before.busy, now.all - before.all
  before = now
  HTTPServer.channel("load"):publish("sample", {
    time = Time.now(),
    cpu = all > 0 and 100 * busy / all or 0,
    used = now.used,
    total = now.total,
    note = now.note,
    streams = HTTPServer.get_stats().streams.open,
  })
end)

-- A new page gets the whole history. A browser that comes back sends the last id it has seen, and gets what it missed.
HTTPServer.register_route("GET", "/load", function(request, response)
  response:start_sse { channels = { "load" }, replay = "all", retry = 1000 }
end)
