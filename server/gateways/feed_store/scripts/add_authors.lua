-- Adds authors to the set of those with fan-out on read, and marks the set as complete. A surplus author costs one
-- lookup, a missing one costs posts: so none is removed here.
--
-- KEYS: fan_out_on_read
-- ARGV: run_id, ttl_s, user ids
for i = 3, #ARGV, 1000 do redis.call('SADD', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV))) end
redis.call('SADD', KEYS[1], 'built:' .. ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
