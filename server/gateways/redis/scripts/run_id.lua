-- Shared by scripts that need the run_id of the server that executes them.
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'):sub(1, 12)
