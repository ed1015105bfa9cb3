-- Removes posts from lists.
--
-- KEYS: lists
-- ARGV: post ids
for _, key in ipairs(KEYS) do redis.call('ZREM', key, unpack(ARGV)) end
