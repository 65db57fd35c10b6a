-- A node lives. ARGV: …, the node, after how many milliseconds of silence a node is dead, a message to the node itself.
-- Returns 1 where the node was known, else 0, and the channels that the dead have vacated.
local nodes, now, vacated = prefix .. ':nodes', clock(), {}
local known = redis.call('ZSCORE', nodes, ARGV[3])
redis.call('ZADD', nodes, whole(now), ARGV[3])
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', nodes, '-inf', whole(now - ARGV[4]))) do drop(dead, vacated) end
redis.call('PUBLISH', prefix .. ':node:' .. ARGV[3], ARGV[5])
return { known and 1 or 0, vacated }
