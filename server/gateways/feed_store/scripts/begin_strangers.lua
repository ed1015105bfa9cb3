-- Starts to look up relations of a reader in SQL. A change of a relation deletes the hash with its token, so that what
-- was read before the change is not stored after it.
--
-- KEYS: strangers
-- ARGV: run_id, token, ttl_s
-- Returns the token to store relations with; lookups at the same time share it.
if redis.call('HGET', KEYS[1], 'run_id') ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'run_id', ARGV[1], 'token', ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return redis.call('HGET', KEYS[1], 'token')
