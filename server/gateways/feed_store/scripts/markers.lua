-- Shared by the scripts for lists: ARGV[1] is the run_id in all of them.
--
-- A list is a sorted set of post ids, scored by themselves. Its marker is the member of rank 0: `building:<run_id>`
-- with the score -token while the list is filled from SQL, then `built:<run_id>` with the score -complete_from_id.
local built, building = 'built:' .. ARGV[1], 'building:' .. ARGV[1]

-- Removes the oldest posts beyond `window` and raises complete_from_id to the oldest post that is left.
local function trim(key, window)
  local excess = redis.call('ZCARD', key) - 1 - window
  if excess > 0 then
    redis.call('ZREMRANGEBYRANK', key, 1, excess)
    redis.call('ZADD', key, 'XX', '-' .. redis.call('ZRANGE', key, 1, 1)[1], built)
  end
end
