-- Numbers publications, keeps them and publishes them, in order. ARGV: …, the node, its number of the first, an epoch to
-- begin, the epoch and the number that the node has seen, its number of the first that it has no answer for; then of each
-- publication: its channel, how many the channel keeps and for how long (ms), the id that it brings or "", the rest of its
-- payload. Returns the id of each.
local node, number = ARGV[3], tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'forgotten', 'node:' .. node, 'channel:' .. ARGV[9])
local sequence, forgotten, had = tonumber(state[2] or 0), state[3] or '0', tonumber(state[4] or 0)
local epoch, now = epoch(state[1], sequence, ARGV[5], ARGV[6], ARGV[7]), clock()
local last, ids, fault = { [ARGV[9]] = state[5] and state[5]:match('^%d+') or forgotten }, {}, nil

-- Something that was sent before has not arrived: this must not go before it.
if number > math.max(had + 1, tonumber(ARGV[8])) then return redis.error_reply('TRYAGAIN an earlier publication is missing') end

local function attempt(...)
  local result = redis.pcall(...)
  if type(result) == 'table' and result.err then return result.err end
end

-- The id of a publication that was made already, if it is kept.
local function known(history, tail)
  local entries = redis.pcall('XREVRANGE', history, '+', '-', 'COUNT', 1000)
  for _, entry in ipairs(entries.err and {} or entries) do
    local payload = entry[2][2]
    if payload:sub(-#tail) == tail then return payload:match('^%S+') end
  end
  return ''
end

for i = 9, #ARGV, 5 do
  local channel, count, age, own, tail = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local history = prefix .. ':history:' .. channel
  if number <= had then
    ids[#ids + 1] = known(history, tail)
  else
    if not last[channel] then
      local known = redis.call('HGET', KEYS[1], 'channel:' .. channel)
      last[channel] = known and known:match('^%d+') or forgotten
    end
    sequence = sequence + 1
    local place = whole(sequence)
    local payload = epoch .. '-' .. place .. ' ' .. last[channel] .. ' ' .. whole(now) .. ' ' .. tail
    last[channel] = place
    redis.call('HSET', KEYS[1], 'seq', place, 'node:' .. node, whole(number), 'channel:' .. channel,
      place .. ' ' .. whole(now + age))
    if count > 0 then
      -- A history that is older than the state, because the state was lost, has higher numbers: it goes.
      if attempt('XADD', history, 'MAXLEN', count, place .. '-0', 'p', payload) then
        redis.call('DEL', history)
        redis.call('XADD', history, 'MAXLEN', count, place .. '-0', 'p', payload)
      end
      if own ~= '' then redis.call('SET', prefix .. ':own:' .. own, place .. ' ' .. channel, 'PX', age) end
    else
      redis.call('DEL', history)
    end
    fault = attempt('PUBLISH', prefix .. ':channel:' .. channel, payload) or fault
    ids[#ids + 1] = epoch .. '-' .. place
  end
  number = number + 1
end
if fault then return redis.error_reply(fault) end
return ids
