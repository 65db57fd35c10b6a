-- What an id means. ARGV: …, the id, a channel and a message to publish there: what comes behind it was published later.
-- Returns epoch (or ""), number, and the place of the publication that bears the id
-- itself (or "").
local state = redis.call('HMGET', KEYS[1], 'epoch', 'seq')
local own, place = redis.call('GET', prefix .. ':own:' .. ARGV[3]), ''
if own then
  local number, channel = own:match('^(%d+) (.*)$')
  local entries = redis.pcall('XRANGE', prefix .. ':history:' .. channel, number .. '-0', number .. '-0')
  if not entries.err and #entries > 0 then place = number end
end
redis.call('PUBLISH', ARGV[4], ARGV[5])
return { state[1] or '', state[2] or '0', place }
