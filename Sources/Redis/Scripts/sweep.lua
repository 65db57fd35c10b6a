-- Forgets channels whose history is too old and which nobody is subscribed to. ARGV: …, a cursor. Returns the next one.
local now, highest = clock(), tonumber(redis.call('HGET', KEYS[1], 'forgotten') or 0)
local forgotten = highest
local page = redis.call('HSCAN', KEYS[1], ARGV[3], 'MATCH', 'channel:*', 'COUNT', 500)
for i = 1, #page[2], 2 do
  local channel = page[2][i]:sub(9)
  local last, deadline = page[2][i + 1]:match('^(%d+) (%d+)$')
  if tonumber(deadline) <= now and redis.call('PUBSUB', 'NUMSUB', prefix .. ':channel:' .. channel)[2] == 0 then
    redis.call('DEL', prefix .. ':history:' .. channel)
    redis.call('HDEL', KEYS[1], page[2][i])
    forgotten = math.max(forgotten, tonumber(last))
  end
end
if forgotten > highest then redis.call('HSET', KEYS[1], 'forgotten', whole(forgotten)) end
return page[1]
