-- Reads what channels keep. ARGV: …, an epoch to begin, the epoch and the number that the node has seen, a channel and a
-- message to publish there when all is read (or ""); then of each channel: its name, how many of its publications at most,
-- the number behind which they come. Returns epoch, number, forgotten, time, and of each channel its last number (or "")
-- and the payloads, newest first.
local state = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'forgotten')
local sequence = tonumber(state[2] or 0)
local epoch = epoch(state[1], sequence, ARGV[3], ARGV[4], ARGV[5])
local channels = {}
for i = 8, #ARGV, 3 do
  local known = redis.call('HGET', KEYS[1], 'channel:' .. ARGV[i])
  local found = { known and known:match('^%d+') or '' }
  if ARGV[i + 1] ~= '0' then
    local entries = redis.pcall('XREVRANGE', prefix .. ':history:' .. ARGV[i], '+', '(' .. ARGV[i + 2] .. '-0', 'COUNT',
      ARGV[i + 1])
    for _, entry in ipairs(entries.err and {} or entries) do found[#found + 1] = entry[2][2] end
  end
  channels[#channels + 1] = found
end
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
return { epoch, whole(sequence), state[3] or '0', whole(clock()), channels }
