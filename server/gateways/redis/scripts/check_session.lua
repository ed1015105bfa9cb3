-- Checks that a session is not revoked and counts the request against the rate limits; needs gcra.lua.
--
-- KEYS: revocation list, then limits
-- ARGV: run_id, session_id, then interval_us and window_us of each limit
-- Returns {1} for a revoked session, and then nothing was counted. Otherwise 0, or -1 if the list is not known to be
-- complete, followed by how many microseconds each limit is ahead.
local found = redis.call('ZMSCORE', KEYS[1], ARGV[2], 'complete:' .. ARGV[1])
if found[1] then return {1} end
return {found[2] and 0 or -1, unpack(count_request(2, 3))}
