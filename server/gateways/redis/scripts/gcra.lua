-- The generic cell rate algorithm (ITU-T I.371), shared by all rate limits.
--
-- A limit needs one number per key: the time in microseconds at which the next permit would be due if permits were
-- taken evenly, one per `interval`. All times are the Redis server's.
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Returns by how many microseconds the due time of `key` is ahead of `now` once one more permit is taken.
local function ahead_after_permit(key, now, interval)
  return math.max(0, tonumber(redis.call('GET', key) or 0) - now) + interval
end

local function store_ahead(key, now, ahead, extra_ttl_ms)
  local ttl_ms = math.ceil(ahead / 1000) + extra_ttl_ms
  redis.call('SET', key, string.format('%.0f', now + ahead), 'PX', ttl_ms)
end

-- Counts a request against every key from KEYS[first_key] on. From ARGV[first_argument] on each key has two
-- arguments: its interval and its window, both in microseconds.
-- Returns for each key how far ahead it would be. Above its window the key refuses the request, and then the
-- request is counted against none.
local function count_request(first_key, first_argument)
  local now, ahead, refused = now_us(), {}, false
  for i = first_key, #KEYS do
    local interval, window = tonumber(ARGV[first_argument]), tonumber(ARGV[first_argument + 1])
    local after = ahead_after_permit(KEYS[i], now, interval)
    ahead[#ahead + 1] = after
    refused = refused or after > window
    first_argument = first_argument + 2
  end
  if not refused then
    for i, after in ipairs(ahead) do store_ahead(KEYS[first_key + i - 1], now, after, 0) end
  end
  return ahead
end
