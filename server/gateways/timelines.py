"""The feeds in Redis: one sorted set of post ids a reader, a window on what SQL knows whole.

`feed:{user}` holds ids as members and scores, plus one marker: `building` with score 0 while it is being filled, then
`built`, whose score is the feed's floor, negated: the feed has every post from the floor up, and 0 means every post. A
post below the floor is left to SQL, or there would be a gap above it.

A marker names the life of the server in which it was set. A server that comes back with what it had saved a while ago
has lost what was pushed since, and does not know: a feed of another life, or without a marker, does not exist.
"""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.errors import Unavailable
from server.ids import PostId, UserId

BUILDING_TTL_MS = 30_000

# In each script KEYS are feeds and `trim` drops the oldest posts over the window; rank 0 is the marker.
_MARKERS = """
local life = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'):sub(1, 12)
local built, building = 'built:' .. life, 'building:' .. life
local function exists(key)
  return redis.call('ZSCORE', key, built) or redis.call('ZSCORE', key, building)
end
"""
_TRIM = (
    _MARKERS
    + """
local function floor_of(key)
  local score = redis.call('ZSCORE', key, built)
  return score and -tonumber(score) or 0
end
local function trim(key, window)
  local over = redis.call('ZCARD', key) - 1 - window
  if over > 0 then
    redis.call('ZREMRANGEBYRANK', key, 1, over)
    redis.call('ZADD', key, 'XX', '-' .. redis.call('ZRANGE', key, 1, 1)[1], built)
  end
end
"""
)
_PUSH = (
    _TRIM
    + """
local pushed = 0
for _, key in ipairs(KEYS) do
  if exists(key) and tonumber(ARGV[2]) >= floor_of(key) then
    redis.call('ZADD', key, ARGV[2], ARGV[2])
    trim(key, tonumber(ARGV[1]))
    pushed = pushed + 1
  end
end
return pushed
"""
)
_READ = (
    _MARKERS
    + """
if not redis.call('ZSCORE', KEYS[1], built) then
  return exists(KEYS[1]) and 'building' or false
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return redis.call('ZREVRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '(0', 'LIMIT', 0, ARGV[2])
"""
)
_OPEN = (
    _MARKERS
    + """
if exists(KEYS[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZADD', KEYS[1], 0, building)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
)
# Fewer posts than a window holds are all that SQL has.
_FILL = (
    _TRIM
    + """
if not redis.call('ZSCORE', KEYS[1], building) then return 0 end
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i]) end
trim(KEYS[1], tonumber(ARGV[1]))
local floor = 0
if redis.call('ZCARD', KEYS[1]) - 1 >= tonumber(ARGV[1]) then
  floor = '-' .. redis.call('ZRANGE', KEYS[1], 1, 1)[1]
end
redis.call('ZREM', KEYS[1], building)
redis.call('ZADD', KEYS[1], floor, built)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
)
# An author who has as many posts as a window holds may have more, below the last of them.
_MERGE = (
    _TRIM
    + """
if not exists(KEYS[1]) then return 0 end
local floor = floor_of(KEYS[1])
for i = 2, #ARGV do
  if tonumber(ARGV[i]) >= floor then redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i]) end
end
if #ARGV - 1 >= tonumber(ARGV[1]) then
  redis.call('ZADD', KEYS[1], 'XX', -math.max(floor, tonumber(ARGV[#ARGV])), built)
end
trim(KEYS[1], tonumber(ARGV[1]))
return 1
"""
)


class Timelines:
    """The feeds kept in `redis`, at most `window` posts each, dropped `ttl_s` seconds after they were last read.

    Every method raises Unavailable when Redis does not answer.
    """

    def __init__(self, redis: Redis, window: int, ttl_s: int) -> None:
        self.window = window
        self._ttl_s = ttl_s
        self._redis = redis
        self._push = redis.register_script(_PUSH)
        self._read = redis.register_script(_READ)
        self._open = redis.register_script(_OPEN)
        self._fill = redis.register_script(_FILL)
        self._merge = redis.register_script(_MERGE)

    async def push(self, reader_ids: Sequence[UserId], post_id: PostId) -> int:
        """Add a post to those of the feeds that are kept and reach down to it; to how many. Twice is once."""
        if not reader_ids:
            return 0
        return await self._run(
            self._push, [_key(reader_id) for reader_id in reader_ids], [self.window, post_id]
        )

    async def read(self, reader_id: UserId, before_id: int, limit: int) -> list[PostId] | None:
        """The newest `limit` ids below `before_id`, newest first; None if this feed is not kept or not filled yet."""
        found = await self._run(self._read, [_key(reader_id)], [before_id, limit, self._ttl_s])
        if found is None or found in (b"building", "building"):
            return None
        return [PostId(int(member)) for member in found]

    async def open(self, reader_id: UserId) -> bool:
        """Begin to build a feed that is not kept; False if it is there or somebody else is at it.

        From here on new posts are pushed to it, so none is missed between reading SQL and `fill`.
        """
        return bool(await self._run(self._open, [_key(reader_id)], [BUILDING_TTL_MS]))

    async def fill(self, reader_id: UserId, post_ids: Sequence[PostId]) -> None:
        """Complete a feed that was opened, with what SQL has."""
        await self._run(self._fill, [_key(reader_id)], [self.window, self._ttl_s, *post_ids])

    async def merge(self, reader_id: UserId, post_ids: Sequence[PostId]) -> None:
        """Add an author's newest posts, newest first and as many as a window holds, to a feed, if it is kept."""
        if post_ids:
            await self._run(self._merge, [_key(reader_id)], [self.window, *post_ids])

    async def remove(self, reader_id: UserId, post_ids: Sequence[PostId]) -> None:
        """Take posts out of a feed."""
        if post_ids:
            try:
                await self._redis.zrem(_key(reader_id), *post_ids)
            except (RedisError, OSError, TimeoutError) as error:
                raise _away() from error

    async def _run(self, script: Any, keys: Sequence[str], arguments: Sequence[int]) -> Any:
        try:
            return await script(keys=keys, args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            raise _away() from error


def _key(reader_id: UserId) -> str:
    return f"feed:{reader_id}"


def _away() -> Unavailable:
    return Unavailable("The feeds do not answer at this moment; try again.", code="redis_away")
