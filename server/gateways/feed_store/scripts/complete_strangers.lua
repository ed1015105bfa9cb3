-- Stores relations of a reader, unless one of them may have changed since begin_strangers. A hash that grew too long is
-- deleted; reads look its relations up again.
--
-- KEYS: strangers
-- ARGV: token, max_entries, then pairs of user id and relation
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
if redis.call('HLEN', KEYS[1]) - 2 > tonumber(ARGV[2]) then redis.call('DEL', KEYS[1]) end
return 1
