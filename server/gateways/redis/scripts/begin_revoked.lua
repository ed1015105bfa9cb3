-- Starts to complete the revocation list; needs run_id.lua.
--
-- KEYS: revocation list
-- ARGV: ttl_ms, token
-- Returns 1, or 0 if the list is complete.
if redis.call('ZSCORE', KEYS[1], 'complete:' .. run_id) then return 0 end
redis.call('ZADD', KEYS[1], 'inf', 'building:' .. run_id .. ':' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
