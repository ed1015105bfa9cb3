-- Reads how a reader relates to some users, and in which revision others see them.
--
-- KEYS: strangers, people, feed, follows, relations
-- ARGV: run_id, user ids
--
-- Returns the token of the relations, empty if none are cached, and per user `revision|relation`, as read_feed: the
-- relation is that of the feed if it is cached, otherwise that in strangers; `u` is unknown.
local users = {}
for i = 2, #ARGV do users[i - 1] = ARGV[i] end
local reader = string.match(KEYS[1], '%d+$')
local run_id, token = unpack(redis.call('HMGET', KEYS[1], 'run_id', 'token'))
local cached = run_id == ARGV[1]
local answer = {cached and token or ''}
if #users == 0 then return answer end
local relations = values_of(KEYS[1], users, 'run_id')
local revisions, revisions_run_id = values_of(KEYS[2], users, 'run_id')
local followed, following = {}, {}
if redis.call('ZSCORE', KEYS[3], 'built:' .. ARGV[1]) and redis.call('EXISTS', KEYS[4], KEYS[5]) == 2 then
  followed = redis.call('SMISMEMBER', KEYS[4], unpack(users))
  following = redis.call('SMISMEMBER', KEYS[5], unpack(users))
end
for i, user in ipairs(users) do
  local relation = cached and relations[i] or 'u'
  if user == reader then relation = 's' elseif followed[i] == 1 then relation = following[i] == 1 and 'm' or '' end
  answer[i + 1] = (revisions_run_id == ARGV[1] and revisions[i] or '') .. '|' .. relation
end
return answer
