-- Removes entries whose transaction is over.
--
-- KEYS: invalidations
-- ARGV: entries
-- Returns how many of them were still there.
return redis.call('ZREM', KEYS[1], unpack(ARGV))
