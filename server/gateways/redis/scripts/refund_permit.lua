-- Returns permits that were not used. Does nothing for a limit that was not used lately.
--
-- KEYS: limits
-- ARGV: interval_us of each limit
for i, key in ipairs(KEYS) do
  local due = redis.call('GET', key)
  if due then redis.call('SET', key, string.format('%.0f', due - ARGV[i]), 'KEEPTTL') end
end
return 0
