-- Ends a turn if its owner still has it. Returns 1 if another process waits for it.
--
-- KEYS: turn, note that another process waits
-- ARGV: owner
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return redis.call('EXISTS', KEYS[2])
