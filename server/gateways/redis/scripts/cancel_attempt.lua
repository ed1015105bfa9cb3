-- Takes back an attempt that had no outcome.
--
-- KEYS: attempts
local failures = tonumber(redis.call('HGET', KEYS[1], 'failures') or 0)
if failures > 1 then
  redis.call('HSET', KEYS[1], 'failures', failures - 1, 'next_us', 0)
else
  redis.call('DEL', KEYS[1])
end
return 0
