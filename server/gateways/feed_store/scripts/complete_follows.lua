-- Stores the followees of a reader, their relations, and followed hashtags. Runs before complete_list, and only for the builder that holds
-- the token.
--
-- KEYS: feed, follows, relations, tags
-- ARGV: run_id, token, ttl_s, number of members of follows, number of members of relations, then these members, and those
-- of tags
-- Returns 1, or 0 if the feed was dropped after begin_list.
if tonumber(redis.call('ZSCORE', KEYS[1], building) or 0) ~= -tonumber(ARGV[2]) then return 0 end
local function store(key, first, last)
  for i = first, last, 1000 do redis.call('SADD', key, unpack(ARGV, i, math.min(i + 999, last))) end
  redis.call('EXPIRE', key, ARGV[3])
end
local last = 5 + tonumber(ARGV[4])
local last_relation = last + tonumber(ARGV[5])
store(KEYS[2], 6, last)
store(KEYS[3], last + 1, last_relation)
store(KEYS[4], last_relation + 1, #ARGV)
return 1
