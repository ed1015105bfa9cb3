-- Stores values that begin with a revision; the higher revision wins. The revision of a hidden user is negative. When the hash exceeds `max_entries`, random
-- entries are deleted; a read gets them from SQL again.
--
-- KEYS: counts or people
-- ARGV: run_id, ttl_s, max_entries, then pairs of id and value
--
-- The long `padding` makes Redis use a hash table from the start: in its compact list for short hashes, finding
-- 20 posts among 400 took 60 us.
if redis.call('HGET', KEYS[1], 'run_id') ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'run_id', ARGV[1], 'padding', string.rep('-', 80))
end
for i = 4, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if not known or tonumber(string.match(known, '^%-?(%d+)')) < tonumber(string.match(ARGV[i + 1], '^%-?(%d+)')) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
local excess = redis.call('HLEN', KEYS[1]) - 2 - tonumber(ARGV[3])
if excess > 0 then
  for _, field in ipairs(redis.call('HRANDFIELD', KEYS[1], math.min(excess + 100, 1000))) do
    if field ~= 'run_id' and field ~= 'padding' then redis.call('HDEL', KEYS[1], field) end
  end
end
