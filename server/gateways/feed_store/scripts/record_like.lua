-- Records a like or its removal, unless a newer change is known. A hash that grew too long is deleted; the next read
-- builds it again.
--
-- KEYS: liked
-- ARGV: post_id, revision, 1 (liked) or 0, max_entries
-- Returns 1 if the change was recorded, else 0.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local known = redis.call('HGET', KEYS[1], ARGV[1])
local saved = 0
if known then
  if tonumber(string.match(known, '^%d+')) >= tonumber(ARGV[2]) then return 0 end
  saved = tonumber(string.sub(known, -1)) >= 2 and 2 or 0
else
  -- Whether an older post is saved is unknown, so nothing is recorded about it.
  local from_id = redis.call('HGET', KEYS[1], 'complete_from_id')
  if from_id and tonumber(ARGV[1]) < tonumber(from_id) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. (saved + ARGV[3]))
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[4]) then redis.call('DEL', KEYS[1]) end
return 1
