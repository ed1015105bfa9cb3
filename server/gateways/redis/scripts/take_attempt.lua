-- Counts an attempt as failed before its outcome is known, unless the delay after an earlier one still runs.
--
-- KEYS: attempts
-- ARGV: free, first_us, max_us, locked_after, lock_us, ttl_ms
-- Returns {failures, wait_us}; with a wait the attempt was not counted.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state = redis.call('HMGET', KEYS[1], 'failures', 'next_us')
local failures, next_us = tonumber(state[1] or 0), tonumber(state[2] or 0)
if next_us > now then return {failures, next_us - now} end
failures = failures + 1
local delay = 0
if failures >= tonumber(ARGV[4]) then
  delay = tonumber(ARGV[5])
elseif failures >= tonumber(ARGV[1]) then
  delay = math.min(tonumber(ARGV[2]) * 2 ^ (failures - ARGV[1]), tonumber(ARGV[3]))
end
redis.call('HSET', KEYS[1], 'failures', failures, 'next_us', string.format('%.0f', now + delay))
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return {failures, 0}
