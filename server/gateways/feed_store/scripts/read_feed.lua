-- Reads a page: the newest `limit` posts below `before_id`, merged from the reader's feed and from the lists of
-- followed authors with fan-out on read and of followed hashtags. Skips deleted posts, posts without such a hashtag of
-- authors that the reader does not follow, posts of authors that are hidden from others or avoided, and posts for close
-- friends of authors who do not have the reader as one.
--
-- KEYS: feed, follows, relations, liked, counts, people, fan_out_on_read, tags, strangers
-- ARGV: run_id, before_id, limit, ttl_s
--
-- Returns a table if something has to be built first:
--   {'missing'}, {'building'}                   the feed
--   {'author_set_missing'}                      the set of authors with fan-out on read
--   {'author_lists_missing', {user id, ...}}    the lists of these authors
--   {'tag_lists_missing', {hashtag id, ...}}    the lists of these hashtags
-- Otherwise a string: `complete_from_id likes_known post post ...`. A post is
-- `id|counts|marks|author`, with unknown parts empty. The marks are a number: 1 if the reader likes the post, plus 2 if the
-- reader has saved it. The author is a revision, which `s` follows for the reader, `m` for an author who follows the
-- reader, and the relation in `strangers` for one that the reader does not follow. Processes cache rendered posts and
-- pages by these strings.
--
-- Each call from Lua has a price, so the hashes are read together with their reserved fields. Redis stores sets of numbers
-- compactly and searches them fast, so no set has other members.
--
-- The names of the authors' lists are computed here, so the script runs on a single server, not on a cluster.
local built = 'built:' .. ARGV[1]
local marker = redis.call('ZSCORE', KEYS[1], built)
local tags = redis.call('SMEMBERS', KEYS[8])
if not marker or #tags == 0 or redis.call('EXISTS', KEYS[2], KEYS[3]) < 2 then
  if redis.call('ZSCORE', KEYS[1], 'building:' .. ARGV[1]) then return {'building'} end
  return {'missing'}
end
if redis.call('SISMEMBER', KEYS[7], built) == 0 then return {'author_set_missing'} end

-- The merged list reaches as far down as the shortest of its sources.
local complete_from_id = -tonumber(marker)
local sources, missing = {KEYS[1]}, {}
for _, author in ipairs(redis.call('SINTER', KEYS[2], KEYS[7])) do
  local key = 'author:' .. author
  marker = redis.call('ZSCORE', key, built)
  if marker then
    complete_from_id = math.max(complete_from_id, -tonumber(marker))
    sources[#sources + 1] = key
  else
    missing[#missing + 1] = author
  end
end
if #missing > 0 then return {'author_lists_missing', missing} end

local first_tag = #sources + 1
for _, tag in ipairs(tags) do
  if tag ~= '0' then
    local key = 'tag:' .. tag
    marker = redis.call('ZSCORE', key, built)
    if marker then
      complete_from_id = math.max(complete_from_id, -tonumber(marker))
      sources[#sources + 1] = key
    else
      missing[#missing + 1] = tag
    end
  end
end
if #missing > 0 then return {'tag_lists_missing', missing} end

-- A feed stays cached while it is read; extending the expiry on every read would cost four writes.
if redis.call('TTL', KEYS[1]) < ARGV[4] * 0.9 then
  for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ARGV[4]) end
  redis.call('EXPIRE', KEYS[8], ARGV[4])
end

local limit, lowest = tonumber(ARGV[3]), math.max(complete_from_id, 1)

-- Returns the `limit` highest ids without duplicates. Ids are strings: the longer is higher.
local function newest(ids)
  table.sort(ids, function(a, b) if #a == #b then return a > b end return #a > #b end)
  local merged = {}
  for _, id in ipairs(ids) do
    if id ~= merged[#merged] then merged[#merged + 1] = id end
    if #merged == limit then break end
  end
  return merged
end

local tagged = {}

-- Returns the newest ids below `before_id` of all sources. Once `limit` ids are found, most sources have none that is
-- newer than the last of them, so the query for each further source ends there.
local function ids_below(before_id)
  local ids = redis.call('ZREVRANGEBYSCORE', KEYS[1], '(' .. before_id, lowest, 'LIMIT', 0, limit)
  local last = #ids == limit and ids[limit] or lowest
  for i = 2, #sources do
    for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', sources[i], '(' .. before_id, last, 'LIMIT', 0, limit)) do
      ids[#ids + 1] = id
      if i >= first_tag then tagged[id] = true end
    end
    if #ids >= 4 * limit then
      ids = newest(ids)
      if #ids == limit then last = ids[limit] end
    end
  end
  return #sources == 1 and ids or newest(ids)
end

local posts, follows, author_parts, close_friend_of, strangers, revision_of = {}, {}, {}, {}, {}, {}
local before_id, likes_from_id = ARGV[2], nil
local reader = string.match(KEYS[1], '%d+$')

-- Looks up whether the reader follows the authors and sees them, and how they relate to the reader.
local function look_up(authors)
  local followed = redis.call('SMISMEMBER', KEYS[2], unpack(authors))
  local following = redis.call('SMISMEMBER', KEYS[3], unpack(authors))
  local revisions, run_id = values_of(KEYS[6], authors, 'run_id')
  for i, author in ipairs(authors) do
    local revision = run_id == ARGV[1] and revisions[i] or ''
    revision_of[author] = revision
    -- A negative revision belongs to an author that others do not see.
    if followed[i] == 1 and string.byte(revision) ~= 45 then
      follows[author] = true
      author_parts[author] = author == reader and revision .. 's' or following[i] == 1 and revision .. 'm' or revision
    end
  end
end

-- Returns whether the author has the reader as a close friend; looked up once per author.
local function is_close_friend_of(author)
  if close_friend_of[author] == nil then
    close_friend_of[author] = redis.call('SISMEMBER', KEYS[3], '-' .. author) == 1
  end
  return close_friend_of[author]
end

-- Looks up how the reader relates to authors of posts with followed hashtags; `u` is unknown.
local function look_up_strangers(authors)
  local relations, run_id = values_of(KEYS[9], authors, 'run_id')
  for i, author in ipairs(authors) do
    local relation = run_id == ARGV[1] and relations[i] or 'u'
    strangers[author] = relation == 'y' and 'u' or relation
  end
end

repeat
  local ids = ids_below(before_id)
  local counts, run_id = values_of(KEYS[5], ids, 'run_id')
  local likes, from_id = values_of(KEYS[4], ids, 'complete_from_id')
  local counts_valid = run_id == ARGV[1]
  likes_from_id = tonumber(from_id or '')
  if #ids == 0 then break end
  before_id = ids[#ids]
  local authors, unasked = {}, {}
  for i = 1, #ids do
    local author = counts_valid and counts[i] and string.match(counts[i], '^%d+,(%d+)')
    if author then
      authors[i] = author
      if follows[author] == nil then
        follows[author] = false
        unasked[#unasked + 1] = author
      end
    end
  end
  if #unasked > 0 then look_up(unasked) end
  if first_tag <= #sources then
    local others = {}
    for i, id in ipairs(ids) do
      local author = authors[i]
      if author and tagged[id] and not follows[author] and not strangers[author] then
        strangers[author] = 'u'
        others[#others + 1] = author
      end
    end
    if #others > 0 then look_up_strangers(others) end
  end
  for i, id in ipairs(ids) do
    local count, author = counts_valid and counts[i] or '', authors[i]
    -- A post without counters is returned: SQL decides. Counters without an author belong to a deleted post.
    local shown = count == ''
    if author then
      -- Counters that end with `c` belong to a post for close friends.
      shown = follows[author] and (string.byte(count, -1) ~= 99 or is_close_friend_of(author))
    end
    local part = author and author_parts[author] or ''
    if author and not follows[author] and tagged[id] and strangers[author] ~= 'x' then
      local revision = revision_of[author]
      -- Posts for close friends are not public.
      shown = string.byte(revision) ~= 45 and string.byte(count, -1) ~= 99
      part = revision .. strangers[author]
    end
    if shown and #posts < limit then
      local marks = ''
      -- While they are built, a recorded like says nothing about a save.
      if likes_from_id then
        if likes[i] then marks = string.sub(likes[i], -1)
        elseif tonumber(id) >= likes_from_id then marks = '0' end
      end
      posts[#posts + 1] = id .. '|' .. count .. '|' .. marks .. '|' .. part
    end
  end
until #posts >= limit or #ids < limit

return table.concat({string.format('%.0f', complete_from_id), likes_from_id and 1 or 0, unpack(posts)}, ' ')
