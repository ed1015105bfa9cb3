-- Completes a reader's likes with those that SQL has. A like recorded in between is newer, so it stays.
--
-- KEYS: liked
-- ARGV: token, complete_from_id, ttl_s, post ids
-- Returns 1, or 0 if the token is outdated.
if redis.call('HGET', KEYS[1], 'building') ~= ARGV[1] then return 0 end
for i = 4, #ARGV do redis.call('HSETNX', KEYS[1], ARGV[i], '0:1') end
redis.call('HSET', KEYS[1], 'complete_from_id', ARGV[2])
redis.call('HDEL', KEYS[1], 'building')
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
