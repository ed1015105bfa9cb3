-- Reserves the next permit; needs gcra.lua.
--
-- KEYS: limit
-- ARGV: interval_us, tolerance_us (how much earlier than due a permit may be used)
-- Returns in how many microseconds the permit may be used.
local now, interval = now_us(), tonumber(ARGV[1])
local ahead = ahead_after_permit(KEYS[1], now, interval)
store_ahead(KEYS[1], now, ahead, 1000)
return math.max(0, math.ceil(ahead - interval - tonumber(ARGV[2])))
