-- Completes a reader's likes and saves with those that SQL has. A like recorded in between is newer, so it stays. A save
-- in between has dropped the hash.
--
-- KEYS: liked
-- ARGV: token, complete_from_id, ttl_s, number of likes, ids of liked posts, ids of saved posts
-- Returns 1, or 0 if the token is outdated.
if redis.call('HGET', KEYS[1], 'building') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'building')
-- Whether an older post is saved is unknown, so nothing is kept about it.
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
  if tonumber(id) < tonumber(ARGV[2]) then redis.call('HDEL', KEYS[1], id) end
end
local first_saved = 5 + ARGV[4]
for i = 5, first_saved - 1 do redis.call('HSETNX', KEYS[1], ARGV[i], '0:1') end
for i = first_saved, #ARGV do
  local known = redis.call('HGET', KEYS[1], ARGV[i]) or '0:0'
  redis.call('HSET', KEYS[1], ARGV[i], string.sub(known, 1, -2) .. (string.sub(known, -1) + 2))
end
redis.call('HSET', KEYS[1], 'complete_from_id', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
