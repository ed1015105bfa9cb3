"""The Lua of the timelines: what has to be one step in Redis, and why each step may be made twice.

- `feed:{user}` and `author:{user}`: sorted sets of post ids, scored by themselves, with one marker at the bottom:
  `building:<life>` scored -token while it is filled from SQL, then `built:<life>` scored -floor. The list has every
  post from the floor up; 0 means every post there is. A `life` is one run of the server: one that comes back with what
  it had saved a while ago lacks what was pushed since, and does not know; so a list of another life does not exist.
- `follows:{user}`: the set of whom a reader follows, the reader among them.
- `liked:{user}`: a hash, post id -> `revision:1` or `revision:0`, with all likes from its field `floor` up.
- `counts`: a hash, post id -> `revision,author,likes,comments,edited`, or `revision,x` of a deleted post.
- `people`: a hash, user id -> `revision`. In all three the newest revision stays, in whatever order writers come.
- `pulled`: the set of the authors whose posts are not pushed. `touched`: the changes under way, by when they began.
"""

from server.gateways.redis.pipelined_client import Script

# ARGV[1] is the life in all of them; rank 0 of a list is its marker.
_MARKERS = """
local built, building = 'built:' .. ARGV[1], 'building:' .. ARGV[1]
local function trim(key, window)
  local over = redis.call('ZCARD', key) - 1 - window
  if over > 0 then
    redis.call('ZREMRANGEBYRANK', key, 1, over)
    redis.call('ZADD', key, 'XX', '-' .. redis.call('ZRANGE', key, 1, 1)[1], built)
  end
end
"""

# KEYS: lists; ARGV: life, window, post id. To how many it was pushed. A set takes an id once.
PUSH = Script(
    _MARKERS
    + """
local post, window, pushed = tonumber(ARGV[3]), tonumber(ARGV[2]), 0
for _, key in ipairs(KEYS) do
  local floor = redis.call('ZSCORE', key, built)
  if floor then
    if post >= -tonumber(floor) then
      redis.call('ZADD', key, ARGV[3], ARGV[3])
      trim(key, window)
      pushed = pushed + 1
    end
  elseif redis.call('ZSCORE', key, building) then
    redis.call('ZADD', key, ARGV[3], ARGV[3])
    pushed = pushed + 1
  end
end
return pushed
"""
)

# KEYS: lists; ARGV: post ids.
WITHDRAW = Script("for _, key in ipairs(KEYS) do redis.call('ZREM', key, unpack(ARGV)) end")

# KEYS: lists to drop, to be built again when they are read.
RESET = Script("return redis.call('DEL', unpack(KEYS))")

# KEYS: list[, liked]; ARGV: life, token, ms. 1 if the asker is to build the list, 0 if somebody else is at it.
OPEN = Script(
    _MARKERS
    + """
if redis.call('ZSCORE', KEYS[1], built) and (not KEYS[3] or redis.call('EXISTS', KEYS[3]) == 1) then return 0 end
if redis.call('ZSCORE', KEYS[1], building) then return 0 end
redis.call('DEL', unpack(KEYS))
redis.call('ZADD', KEYS[1], '-' .. ARGV[2], building)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if KEYS[2] then
  redis.call('HSET', KEYS[2], 'building', ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 1
"""
)

# KEYS: list; ARGV: life, token, window, ttl, post ids. 0 if the list was reset since it was opened: what was read of
# SQL may be older than that. Fewer posts than a window holds are all that SQL has.
FILL = Script(
    _MARKERS
    + """
if tonumber(redis.call('ZSCORE', KEYS[1], building) or 0) ~= -tonumber(ARGV[2]) then return 0 end
for i = 5, #ARGV do redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i]) end
local window, floor = tonumber(ARGV[3]), 0
if redis.call('ZCARD', KEYS[1]) - 1 >= window then
  redis.call('ZREMRANGEBYRANK', KEYS[1], 1, redis.call('ZCARD', KEYS[1]) - 1 - window)
  floor = '-' .. redis.call('ZRANGE', KEYS[1], 1, 1)[1]
end
redis.call('ZREM', KEYS[1], building)
redis.call('ZADD', KEYS[1], floor, built)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
)

# KEYS: feed, follows; ARGV: life, token, ttl, user ids. Before FILL, and only for the builder that holds the token.
FILL_FOLLOWS = Script(
    _MARKERS
    + """
if tonumber(redis.call('ZSCORE', KEYS[1], building) or 0) ~= -tonumber(ARGV[2]) then return 0 end
for i = 4, #ARGV, 1000 do redis.call('SADD', KEYS[2], unpack(ARGV, i, math.min(i + 999, #ARGV))) end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
"""
)

# KEYS: liked; ARGV: token, floor, ttl, post ids. What was noted meanwhile is newer than what SQL said.
FILL_LIKED = Script(
    """
if redis.call('HGET', KEYS[1], 'building') ~= ARGV[1] then return 0 end
for i = 4, #ARGV do redis.call('HSETNX', KEYS[1], ARGV[i], '0:1') end
redis.call('HSET', KEYS[1], 'floor', ARGV[2])
redis.call('HDEL', KEYS[1], 'building')
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
)

# KEYS: liked; ARGV: token, ms.
OPEN_LIKED = Script(
    """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'building', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
)

# KEYS: liked; ARGV: post id, revision, 1 or 0, most entries. A hash that grew too long is built again when it is read.
NOTE_LIKE = Script(
    """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local noted = redis.call('HGET', KEYS[1], ARGV[1])
if noted and tonumber(string.match(noted, '^%d+')) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[4]) then redis.call('DEL', KEYS[1]) end
return 1
"""
)

# KEYS: pulled; ARGV: life, ttl, user ids. One too many costs a look, one too few costs posts: so none is removed.
FILL_PULLED = Script(
    """
for i = 3, #ARGV, 1000 do redis.call('SADD', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV))) end
redis.call('SADD', KEYS[1], 'built:' .. ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
)

# KEYS: counts or people; ARGV: life, ttl, most, then id and value in turn. `most` bounds the memory: what goes is
# taken at random, and read from SQL when it is wanted again. A long value makes Redis keep a table from the start: in
# the list that it makes of a short hash, finding 20 posts among 400 took 60 us.
NOTE = Script(
    """
if redis.call('HGET', KEYS[1], 'life') ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'life', ARGV[1], 'long', string.rep('-', 80))
end
for i = 4, #ARGV, 2 do
  local noted = redis.call('HGET', KEYS[1], ARGV[i])
  if not noted or tonumber(string.match(noted, '^%d+')) < tonumber(string.match(ARGV[i + 1], '^%d+')) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
local over = redis.call('HLEN', KEYS[1]) - 2 - tonumber(ARGV[3])
if over > 0 then
  for _, field in ipairs(redis.call('HRANDFIELD', KEYS[1], math.min(over + 100, 1000))) do
    if field ~= 'life' and field ~= 'long' then redis.call('HDEL', KEYS[1], field) end
  end
end
"""
)

# KEYS: feed, follows, liked, counts, people, pulled; ARGV: life, before, limit, ttl. The lists of pulled authors have
# names that only the script knows, so it is for one server and not for a cluster. Returns one text, or a list of
# a word and more by it:
# `floor likes-known post post ...`: the newest `limit` posts of those whom the reader follows below `before` and not
#   below the floor. Each is `id|counts|liked|revision of the author's card`, what is not known left out. The text is a
#   key, by which a process finds the page that it put together before; of another page, by its own part, each post
# missing | building: the feed;   unpulled: the set of pulled authors;   lists, {user id, ...}: those authors' lists
READ = Script(
    """
local built = 'built:' .. ARGV[1]
local floor = redis.call('ZSCORE', KEYS[1], built)
if not floor or redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('ZSCORE', KEYS[1], 'building:' .. ARGV[1]) then return {'building'} end
  return {'missing'}
end
if redis.call('SISMEMBER', KEYS[6], built) == 0 then return {'unpulled'} end
floor = -tonumber(floor)
local sources, unbuilt = {KEYS[1]}, {}
for _, author in ipairs(redis.call('SINTER', KEYS[2], KEYS[6])) do
  local key = 'author:' .. author
  local lowest = redis.call('ZSCORE', key, built)
  if lowest then
    floor = math.max(floor, -tonumber(lowest))
    sources[#sources + 1] = key
  else
    unbuilt[#unbuilt + 1] = author
  end
end
if #unbuilt > 0 then return {'lists', unbuilt} end
if redis.call('TTL', KEYS[1]) < ARGV[4] * 0.9 then
  for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ARGV[4]) end
end

local limit, lowest = tonumber(ARGV[3]), math.max(floor, 1)
local function newest(ids)
  table.sort(ids, function(a, b) if #a == #b then return a > b end return #a > #b end)
  local merged = {}
  for _, id in ipairs(ids) do
    if id ~= merged[#merged] then merged[#merged + 1] = id end
    if #merged == limit then break end
  end
  return merged
end
-- Of most lists nothing is as new as the last of those that are found already.
local function below(before)
  local ids = redis.call('ZREVRANGEBYSCORE', KEYS[1], '(' .. before, lowest, 'LIMIT', 0, limit)
  local last = #ids == limit and ids[limit] or lowest
  for i = 2, #sources do
    for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', sources[i], '(' .. before, last, 'LIMIT', 0, limit)) do
      ids[#ids + 1] = id
    end
    if #ids >= 4 * limit then
      ids = newest(ids)
      if #ids == limit then last = ids[limit] end
    end
  end
  return #sources == 1 and ids or newest(ids)
end

local known = redis.call('HGET', KEYS[4], 'life') == ARGV[1]
local likes_floor = tonumber(redis.call('HGET', KEYS[3], 'floor') or '')
local parts, writers_shown, follows, authors = {}, {}, {}, {'life'}
local before = ARGV[2]
repeat
  local ids = below(before)
  if #ids == 0 then break end
  before = ids[#ids]
  local counts = redis.call('HMGET', KEYS[4], unpack(ids))
  local likes = redis.call('HMGET', KEYS[3], unpack(ids))
  local writers, unsure = {}, {}
  for i, count in ipairs(counts) do
    local author = known and count and string.match(count, '^%d+,(%d+)')
    if author then
      writers[i] = author
      if follows[author] == nil then
        follows[author] = false
        unsure[#unsure + 1] = author
      end
    end
  end
  if #unsure > 0 then
    for i, is in ipairs(redis.call('SMISMEMBER', KEYS[2], unpack(unsure))) do
      if is == 1 then
        follows[unsure[i]] = true
        authors[#authors + 1] = unsure[i]
      end
    end
  end
  for i, id in ipairs(ids) do
    local count, author = known and counts[i] or '', writers[i]
    local belongs = count == ''
    if author then belongs = follows[author] end
    if belongs and #parts < limit then
      local liked = ''
      if likes[i] then liked = string.sub(likes[i], -1)
      elseif likes_floor and tonumber(id) >= likes_floor then liked = '0' end
      parts[#parts + 1] = id .. '|' .. count .. '|' .. liked .. '|'
      writers_shown[#parts] = author or ''
    end
  end
until #parts >= limit or #ids < limit

local revisions, current = {}, redis.call('HMGET', KEYS[5], unpack(authors))
if current[1] == ARGV[1] then
  for i = 2, #authors do revisions[authors[i]] = current[i] end
end
for i, author in ipairs(writers_shown) do parts[i] = parts[i] .. (revisions[author] or '') end
return table.concat({string.format('%.0f', floor), likes_floor and 1 or 0, unpack(parts)}, ' ')
"""
)

# KEYS: touched; ARGV: ttl, then members. Announces changes, so that what they make stale is dropped should the process
# that makes them not live to say how they ended.
TOUCH = Script(
    """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now, ARGV[i]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""
)
SETTLE = Script("return redis.call('ZREM', KEYS[1], unpack(ARGV))")

# KEYS: touched, counts, people; ARGV: ms, then members that are to be dropped now. Drops what changes made stale whose
# end was not told within `ms`, which is more than a transaction may take; how many changes.
SWEEP = Script(
    """
local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', oldest, 'LIMIT', 0, 500)
for i = 2, #ARGV do members[#members + 1] = ARGV[i] end
for _, member in ipairs(members) do
  local kind, id = string.match(member, '^(%a+):(%d+)')
  if kind == 'post' then redis.call('HDEL', KEYS[2], id)
  elseif kind == 'person' then redis.call('HDEL', KEYS[3], id)
  elseif kind == 'feed' then redis.call('DEL', 'feed:' .. id)
  elseif kind == 'likes' then redis.call('DEL', 'liked:' .. id) end
  redis.call('ZREM', KEYS[1], member)
end
return #members
"""
)
