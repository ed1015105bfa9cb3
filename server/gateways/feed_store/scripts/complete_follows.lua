-- Stores the followees of a reader and their relations. Runs before complete_list, and only for the builder that holds
-- the token.
--
-- KEYS: feed, follows, relations
-- ARGV: run_id, token, ttl_s, number of members of follows, these members, members of relations
-- Returns 1, or 0 if the feed was dropped after begin_list.
if tonumber(redis.call('ZSCORE', KEYS[1], building) or 0) ~= -tonumber(ARGV[2]) then return 0 end
local function store(key, first, last)
  for i = first, last, 1000 do redis.call('SADD', key, unpack(ARGV, i, math.min(i + 999, last))) end
  redis.call('EXPIRE', key, ARGV[3])
end
local last = 4 + tonumber(ARGV[4])
store(KEYS[2], 5, last)
store(KEYS[3], last + 1, #ARGV)
return 1
