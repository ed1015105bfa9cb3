-- Stores cards in a hash. When it exceeds `max_cards`, random cards are deleted; a read gets them from SQL again.
--
-- KEYS: cards
-- ARGV: ttl_s, max_cards, then pairs of id and card
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[1])
local excess = redis.call('HLEN', KEYS[1]) - tonumber(ARGV[2])
if excess > 0 then
  redis.call('HDEL', KEYS[1], unpack(redis.call('HRANDFIELD', KEYS[1], math.min(excess + 100, 1000))))
end
