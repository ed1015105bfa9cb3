-- Starts to build a list, unless it is built or another process builds it. From here on new posts are added to the
-- list and likes are recorded, so that none is missed between reading SQL and completing the list.
--
-- KEYS: list; for a feed also liked, follows, relations, tags
-- ARGV: run_id, token, ttl_ms
-- Returns 1 if the caller is to build the list, else 0.
if redis.call('ZSCORE', KEYS[1], built) and (not KEYS[3] or redis.call('EXISTS', KEYS[3], KEYS[4], KEYS[5]) == 3) then return 0 end
if redis.call('ZSCORE', KEYS[1], building) then return 0 end
redis.call('DEL', unpack(KEYS))
redis.call('ZADD', KEYS[1], '-' .. ARGV[2], building)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if KEYS[2] then
  redis.call('HSET', KEYS[2], 'building', ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 1
