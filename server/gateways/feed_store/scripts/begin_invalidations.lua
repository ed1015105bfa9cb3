-- Records which cache keys a transaction is about to change, with the time.
--
-- KEYS: invalidations
-- ARGV: ttl_s, entries
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now_ms, ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
