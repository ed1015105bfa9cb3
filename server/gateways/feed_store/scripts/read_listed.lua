-- Reads the first `limit` of some listed posts, without deleted ones, those of hidden authors, and those for close
-- friends of followed authors who do not have the reader as one.
--
-- KEYS: strangers, liked, counts, people, feed, follows, relations
-- ARGV: run_id, limit, `post author post author ...`
--
-- Returns the string of read_feed. Authors that the reader follows have their relation of the feed if it is cached.
-- The author's relation is `u` if it is not cached, `x` or `y` if more has to be looked up; then SQL decides. It also
-- decides about posts for close friends of authors that the reader does not follow, whose lists are not cached.
local limit = tonumber(ARGV[2])
local reader = string.match(KEYS[1], '%d+$')
local ids, authors = {}, {}
for id, author in string.gmatch(ARGV[3], '(%d+) (%d+)') do
  ids[#ids + 1], authors[#authors + 1] = id, author
end
if #ids == 0 then return '0 1' end
local relations, relations_run_id = values_of(KEYS[1], authors, 'run_id')
local revisions, revisions_run_id = values_of(KEYS[4], authors, 'run_id')
local counts, counts_run_id = values_of(KEYS[3], ids, 'run_id')
local likes, likes_from_id = values_of(KEYS[2], ids, 'complete_from_id')
likes_from_id = tonumber(likes_from_id or '')

local followed, following = {}, {}
local feed_cached = redis.call('ZSCORE', KEYS[5], 'built:' .. ARGV[1]) and redis.call('EXISTS', KEYS[6], KEYS[7]) == 2
if feed_cached then
  followed = redis.call('SMISMEMBER', KEYS[6], unpack(authors))
  following = redis.call('SMISMEMBER', KEYS[7], unpack(authors))
end

local posts = {'0', likes_from_id and 1 or 0}
for i, id in ipairs(ids) do
  local author = authors[i]
  local own = author == reader
  local revision = revisions_run_id == ARGV[1] and revisions[i] or ''
  local count = counts_run_id == ARGV[1] and counts[i] or ''
  local relation = relations_run_id == ARGV[1] and relations[i] or 'u'
  if own then relation = 's' elseif followed[i] == 1 then relation = following[i] == 1 and 'm' or '' end
  -- A negative revision belongs to an author that others do not see; counters without an author, to a deleted post.
  local shown = (own or string.byte(revision) ~= 45) and (count == '' or string.match(count, '^%d+,%d'))
  -- Counters that end with `c` belong to a post for close friends.
  if shown and string.byte(count, -1) == 99 and not own and followed[i] == 1 then
    shown = redis.call('SISMEMBER', KEYS[7], '-' .. author) == 1
  end
  if shown then
    local marks = ''
    if likes_from_id then
      if likes[i] then marks = string.sub(likes[i], -1)
      elseif tonumber(id) >= likes_from_id then marks = '0' end
    end
    posts[#posts + 1] = id .. '|' .. count .. '|' .. marks .. '|' .. revision .. relation
    if #posts == limit + 2 then break end
  end
end
return table.concat(posts, ' ')
