-- Marks the revocation list as complete; needs run_id.lua.
--
-- KEYS: revocation list
-- ARGV: ttl_ms, token
-- Returns 1, or 0 if the list was lost after begin_revoked.
if not redis.call('ZSCORE', KEYS[1], 'building:' .. run_id .. ':' .. ARGV[2]) then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 'inf', 'inf')
redis.call('ZADD', KEYS[1], 'inf', 'complete:' .. run_id)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
