-- Stands before each of the other scripts. KEYS[1] is the state of the publisher: a hash with
--   epoch, seq       the run within which numbers rise, and the last number
--   forgotten        the highest last number among channels that are forgotten
--   channel:<name>   the channel's last number, and when its history is too old (ms)
--   node:<node>      the number of the node's last publication, as that node counts them
-- ARGV[1] is the prefix of all keys, ARGV[2] milliseconds that are added to the clock.
local prefix = ARGV[1]

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
end

local function whole(number) return string.format('%.0f', number) end

-- The present epoch. A new one begins where there is none, and where a node has seen more of the present one than Redis
-- knows: then something was lost.
local function epoch(present, sequence, new, seen_epoch, seen)
  if present and not (present == seen_epoch and sequence < tonumber(seen)) then return present end
  redis.call('HSET', KEYS[1], 'epoch', new)
  return new
end

-- Takes a node's members out of all totals; adds the channels that have none now to `vacated`.
local function drop(node, vacated)
  local key, totals = prefix .. ':node:' .. node, prefix .. ':members'
  local counts = redis.call('HGETALL', key)
  for i = 1, #counts, 2 do
    if redis.call('HINCRBY', totals, counts[i], -counts[i + 1]) <= 0 then
      redis.call('HDEL', totals, counts[i])
      vacated[#vacated + 1] = counts[i]
    end
  end
  redis.call('DEL', key)
  redis.call('ZREM', prefix .. ':nodes', node)
  redis.call('HDEL', KEYS[1], 'node:' .. node)
end
