-- Starts to complete the revocation list.
--
-- KEYS: revocation list
-- ARGV: run_id, ttl_ms, token
-- Returns 1, or 0 if the list is complete.
if redis.call('ZSCORE', KEYS[1], 'complete:' .. ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], 'inf', 'building:' .. ARGV[1] .. ':' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
