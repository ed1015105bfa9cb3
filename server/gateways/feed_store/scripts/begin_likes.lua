-- Starts to build a reader's likes and saves, unless they are cached or being built.
--
-- KEYS: liked
-- ARGV: token, ttl_ms
-- Returns 1 if the caller is to build them, else 0.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'building', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
