-- Stores the followees of a reader. Runs before complete_list, and only for the builder that holds the token.
--
-- KEYS: feed, follows
-- ARGV: run_id, token, ttl_s, user ids
-- Returns 1, or 0 if the feed was dropped after begin_list.
if tonumber(redis.call('ZSCORE', KEYS[1], building) or 0) ~= -tonumber(ARGV[2]) then return 0 end
for i = 4, #ARGV, 1000 do redis.call('SADD', KEYS[2], unpack(ARGV, i, math.min(i + 999, #ARGV))) end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
