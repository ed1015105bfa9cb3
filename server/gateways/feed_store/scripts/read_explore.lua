-- Reads the first `limit` of some ranked posts, without those that the reader wrote, likes or has seen, deleted ones,
-- those for close friends, and those of authors that explore does not show to the reader.
--
-- KEYS: strangers, seen, liked, counts, people
-- ARGV: run_id, limit, 1 to skip what was seen or 0, `post author post author ...`
--
-- Returns the string of read_feed. The author's relation is `u` if it is not cached; then the caller decides.
local limit, hide_seen = tonumber(ARGV[2]), ARGV[3] == '1'
local reader = string.match(KEYS[1], '%d+$')
local ids, authors = {}, {}
for id, author in string.gmatch(ARGV[4], '(%d+) (%d+)') do
  if author ~= reader then ids[#ids + 1], authors[#authors + 1] = id, author end
end
if #ids == 0 then return '0 1' end
local relations, relations_run_id = values_of(KEYS[1], authors, 'run_id')
local revisions, revisions_run_id = values_of(KEYS[5], authors, 'run_id')
local counts, counts_run_id = values_of(KEYS[4], ids, 'run_id')
local likes, likes_from_id = values_of(KEYS[3], ids, 'complete_from_id')
local seen = hide_seen and redis.call('SMISMEMBER', KEYS[2], unpack(ids)) or {}
likes_from_id = tonumber(likes_from_id or '')

local posts = {'0', likes_from_id and 1 or 0}
for i, id in ipairs(ids) do
  local relation = relations_run_id == ARGV[1] and relations[i] or 'u'
  local revision = revisions_run_id == ARGV[1] and revisions[i] or ''
  local count = counts_run_id == ARGV[1] and counts[i] or ''
  local marks = ''
  if likes_from_id then
    if likes[i] then marks = string.sub(likes[i], -1)
    elseif tonumber(id) >= likes_from_id then marks = '0' end
  end
  -- Counters without an author belong to a deleted post, those that end with `c` to one for close friends. A negative
  -- revision belongs to an author that others do not see.
  local shown = count == '' or string.match(count, '^%d+,%d') and string.byte(count, -1) ~= 99
  if shown and marks ~= '1' and marks ~= '3' and seen[i] ~= 1 and string.byte(revision) ~= 45 and string.find('unfrb', relation, 1, true) then
    posts[#posts + 1] = id .. '|' .. count .. '|' .. marks .. '|' .. revision .. relation
    if #posts == limit + 2 then break end
  end
end
return table.concat(posts, ' ')
