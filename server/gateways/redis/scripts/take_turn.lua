-- Takes a turn. If another process has it, notes that one waits, and returns 0; otherwise returns 1.
--
-- KEYS: turn, note that another process waits
-- ARGV: owner, milliseconds until the turn ends by itself, milliseconds that the note stays
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
redis.call('SET', KEYS[2], '', 'PX', ARGV[3])
return 0
