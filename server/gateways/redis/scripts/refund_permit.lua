-- Returns a permit that was not used. Does nothing if the limit was not used lately.
--
-- KEYS: limit
-- ARGV: interval_us
local due = redis.call('GET', KEYS[1])
if due then redis.call('SET', KEYS[1], string.format('%.0f', due - ARGV[1]), 'KEEPTTL') end
return 0
