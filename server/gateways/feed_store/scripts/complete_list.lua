-- Completes a list with the posts that SQL has. Fewer posts than the window holds are all that exist.
--
-- KEYS: list
-- ARGV: run_id, token, window, ttl_s, post ids
-- Returns 1, or 0 if the list was dropped after begin_list: the posts may then be older than that.
if tonumber(redis.call('ZSCORE', KEYS[1], building) or 0) ~= -tonumber(ARGV[2]) then return 0 end
for i = 5, #ARGV do redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i]) end
local window, marker = tonumber(ARGV[3]), 0
if redis.call('ZCARD', KEYS[1]) - 1 >= window then
  redis.call('ZREMRANGEBYRANK', KEYS[1], 1, redis.call('ZCARD', KEYS[1]) - 1 - window)
  marker = '-' .. redis.call('ZRANGE', KEYS[1], 1, 1)[1]
end
redis.call('ZREM', KEYS[1], building)
redis.call('ZADD', KEYS[1], marker, built)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
