-- Says how many members of channels a node has. ARGV: …, the node; then channels and numbers. Returns 1 for a channel that
-- has its first member, -1 for one that has none any more, 0 for others.
local key, totals, changes = prefix .. ':node:' .. ARGV[3], prefix .. ':members', {}
for i = 4, #ARGV, 2 do
  local channel, count = ARGV[i], tonumber(ARGV[i + 1])
  local change = count - tonumber(redis.call('HGET', key, channel) or 0)
  if count > 0 then redis.call('HSET', key, channel, count) else redis.call('HDEL', key, channel) end
  local total = redis.call('HINCRBY', totals, channel, change)
  if total <= 0 then redis.call('HDEL', totals, channel) end
  local was, is = total - change > 0, total > 0
  changes[#changes + 1] = (is and not was and 1) or (was and not is and -1) or 0
end
return changes
