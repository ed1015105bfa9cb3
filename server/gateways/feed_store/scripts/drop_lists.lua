-- Deletes lists, so that the next read builds them again; a build in progress is abandoned.
--
-- KEYS: lists
return redis.call('DEL', unpack(KEYS))
