-- Marks the revocation list as complete.
--
-- KEYS: revocation list
-- ARGV: run_id, ttl_ms, token
-- Returns 1, or 0 if the list was lost after begin_revoked.
if not redis.call('ZSCORE', KEYS[1], 'building:' .. ARGV[1] .. ':' .. ARGV[3]) then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 'inf', 'inf')
redis.call('ZADD', KEYS[1], 'inf', 'complete:' .. ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
