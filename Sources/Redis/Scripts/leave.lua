-- A node goes. ARGV: …, the node. Returns the channels that it has vacated.
local vacated = {}
drop(ARGV[3], vacated)
return vacated
