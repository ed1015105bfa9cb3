-- Adds a post to every list that is cached or being built. Idempotent: a set holds an id once.
--
-- KEYS: lists
-- ARGV: run_id, window, post_id
-- Returns the number of lists that have the post.
local window, post, added = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for _, key in ipairs(KEYS) do
  local marker = redis.call('ZSCORE', key, built)
  if marker then
    if post >= -tonumber(marker) then
      redis.call('ZADD', key, ARGV[3], ARGV[3])
      trim(key, window)
      added = added + 1
    end
  elseif redis.call('ZSCORE', key, building) then
    redis.call('ZADD', key, ARGV[3], ARGV[3])
    added = added + 1
  end
end
return added
