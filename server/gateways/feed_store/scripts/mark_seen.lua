-- Adds posts to those that a reader has seen. A set that grew too long loses random members.
--
-- KEYS: seen
-- ARGV: ttl_s, max_members, post ids
redis.call('SADD', KEYS[1], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[1])
local excess = redis.call('SCARD', KEYS[1]) - tonumber(ARGV[2])
if excess > 0 then redis.call('SPOP', KEYS[1], excess) end
