-- Counts a request against several limits; needs gcra.lua.
--
-- KEYS: limits
-- ARGV: interval_us and window_us of each limit
-- Returns for each limit how many microseconds it is ahead.
return count_request(1, 1)
