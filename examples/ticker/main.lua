-- A price ticker: a channel for each of 200 invented symbols, and streams that join the ones they ask for.
local SYMBOLS <const> = 200
local SECONDS <const> = 0.25 -- between two prices of a symbol
local MOST <const> = 10      -- symbols of one /stream

-- The history is what the page draws at once: the last minute.
SSEPublisher.default:configure("price:*", { history = 240, max_age = 60 })

local function channel_name(symbol) return "price:" .. symbol end

-- "AAA", "BHT", ...: three letters, spread over the alphabet.
local function symbol_of(index)
  local number = index * 877 % (26 * 26 * 26)
  return string.char(65 + number // 676, 65 + number // 26 % 26, 65 + number % 26)
end

local symbols, channels, prices = {}, {}, {}
for index = 1, SYMBOLS do
  local symbol = symbol_of(index - 1)
  symbols[index] = symbol
  channels[index] = channel_name(symbol)
  prices[symbol] = 20 + 180 * math.random()
end

local timer = Timer.new { wait_time = SECONDS, autostart = true }
timer.timeout:connect(function()
  for _, symbol in ipairs(symbols) do
    local price = prices[symbol] * (1 + (math.random() - 0.5) / 100) -- a step of at most 0.5 %
    prices[symbol] = price
    HTTPServer.channel(channel_name(symbol)):publish {
      type = "price",
      key = symbol, -- a conflated stream that lags keeps the newest event of each key
      data = { symbol = symbol, price = math.floor(price * 100 + 0.5) / 100 },
    }
  end
end)

HTTPServer.register_route("GET", "/symbols", function(request, response)
  response:set_json(symbols)
end)

-- /stream?symbols=AAA,BHT: every price of these, first the last minute's.
HTTPServer.register_route("GET", "/stream", function(request, response)
  local wanted, known = {}, {}
  local function refuse(message) response:set_status(400):set_json { error = message } end
  for symbol in request:get_query_param("symbols"):gmatch("[^,]+") do
    if not prices[symbol] then return refuse("no symbol " .. symbol) end
    if not known[symbol] then wanted[#wanted + 1] = channel_name(symbol) end
    known[symbol] = true
  end
  if #wanted == 0 or #wanted > MOST then return refuse("symbols must name 1 to " .. MOST .. ", as in ?symbols=A,B") end
  response:start_sse { channels = wanted, replay = "all" }
end)

-- /summary: all symbols. A client that cannot keep up skips prices, and is never more than the newest ones behind.
HTTPServer.register_route("GET", "/summary", function(request, response)
  response:start_sse { channels = channels, replay = false, on_slow = "conflate", max_buffered_bytes = 32 * 1024 }
end)
