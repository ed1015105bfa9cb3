-- Deletes the cached data that old entries and the given entries name. Old entries are older than `max_age_ms`, which
-- exceeds the length of a transaction.
--
-- KEYS: invalidations, counts, people
-- ARGV: max_age_ms, entries
-- Returns the number of entries.
local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
local entries = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', oldest, 'LIMIT', 0, 500)
for i = 2, #ARGV do entries[#entries + 1] = ARGV[i] end
for _, entry in ipairs(entries) do
  local kind, id = string.match(entry, '^(%a+):(%d+)')
  if kind == 'post' then redis.call('HDEL', KEYS[2], id)
  elseif kind == 'person' then redis.call('HDEL', KEYS[3], id)
  elseif kind == 'feed' then redis.call('DEL', 'feed:' .. id, 'strangers:' .. id)
  elseif kind == 'likes' then redis.call('DEL', 'liked:' .. id) end
  redis.call('ZREM', KEYS[1], entry)
end
return #entries
