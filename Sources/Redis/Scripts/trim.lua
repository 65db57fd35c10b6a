-- Holds histories to narrower bounds. ARGV: …; then channels and how many each keeps.
for i = 3, #ARGV, 2 do redis.pcall('XTRIM', prefix .. ':history:' .. ARGV[i], 'MAXLEN', ARGV[i + 1]) end
return 'OK'
