-- Adds revoked sessions and removes those whose access tokens have all expired. Uses the Redis server's clock, because
-- the clocks of the processes may differ. Markers have the score inf, so they stay.
--
-- KEYS: revocation list
-- ARGV: ttl_ms, then pairs of session id and remaining_ms
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now_ms)
for i = 2, #ARGV, 2 do redis.call('ZADD', KEYS[1], now_ms + ARGV[i + 1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
