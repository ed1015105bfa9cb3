"""The cards of posts and people in Redis: what a process that has not shown a post yet need not ask the database for.

A card is told apart by the moment of its last edit, or by its person's revision, so an outdated one is merely not used.
The two hashes are bounded: what is too many is thrown out at random, to be read from SQL when it is wanted again.
"""

from collections.abc import Mapping, Sequence

from server.errors import Unavailable
from server.gateways.redis.pipelined_client import Call, PipelinedRedis, Script

TTL_S = 86_400
POSTS, PEOPLE = "cards:posts", "cards:people"

# KEYS: hash; ARGV: ttl, most, then id and card in turn.
_PUT = Script(
    """
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[1])
local over = redis.call('HLEN', KEYS[1]) - tonumber(ARGV[2])
if over > 0 then
  redis.call('HDEL', KEYS[1], unpack(redis.call('HRANDFIELD', KEYS[1], math.min(over + 100, 1000))))
end
"""
)


class RedisCardCache:
    """At most `most` cards of each kind, as bytes that mean something to whoever put them there.

    Redis being away is the same as an empty shelf.
    """

    def __init__(self, wire: PipelinedRedis, most: int) -> None:
        self._wire = wire
        self._most = most

    async def take(
        self, post_ids: Sequence[int], user_ids: Sequence[int]
    ) -> tuple[dict[int, bytes], dict[int, bytes]]:
        """The cards that are there, by id; one round trip."""
        wanted = [(kind, ids) for kind, ids in ((POSTS, post_ids), (PEOPLE, user_ids)) if ids]
        try:
            answers = await self._wire.commands(*(("HMGET", kind, *ids) for kind, ids in wanted))
        except Unavailable:
            return {}, {}
        found: dict[str, dict[int, bytes]] = {POSTS: {}, PEOPLE: {}}
        for (kind, ids), cards in zip(wanted, answers, strict=True):
            found[kind] = {id_: card for id_, card in zip(ids, cards, strict=True) if card is not None}
        return found[POSTS], found[PEOPLE]

    async def put(self, posts: Mapping[int, bytes], people: Mapping[int, bytes]) -> None:
        """Keep cards."""
        calls = [
            Call(_PUT, (kind,), (TTL_S, self._most, *(part for item in cards.items() for part in item)))
            for kind, cards in ((POSTS, posts), (PEOPLE, people))
            if cards
        ]
        try:
            await self._wire.batch(calls)
        except Unavailable:
            return
