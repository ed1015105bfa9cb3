"""Cards of posts and users in Redis, so that a process without a card in memory need not query the database.

A card is identified by the time of its last edit or by its user's revision, so an outdated one is not used.
"""

from collections.abc import Mapping, Sequence

from server.errors import Unavailable
from server.gateways.feed_store.timeline_scripts import PUT_CARDS
from server.gateways.redis.lua import Call
from server.gateways.redis.pipelined_client import PipelinedRedis

CARDS_TTL_S = 86_400
POST_CARDS, USER_CARDS = "cards:posts", "cards:people"


class RedisCardCache:
    """Cache of at most `max_cards` cards of each kind, as bytes; surplus cards are deleted at random.

    Treats an unavailable Redis as a cache miss.
    """

    def __init__(self, redis: PipelinedRedis, max_cards: int) -> None:
        self._redis = redis
        self._max_cards = max_cards

    async def get(
        self, post_ids: Sequence[int], user_ids: Sequence[int]
    ) -> tuple[dict[int, bytes], dict[int, bytes]]:
        """Return the cached cards of posts and of users by id, in one round trip."""
        wanted = [(key, ids) for key, ids in ((POST_CARDS, post_ids), (USER_CARDS, user_ids)) if ids]
        try:
            answers = await self._redis.commands(*(("HMGET", key, *ids) for key, ids in wanted))
        except Unavailable:
            return {}, {}
        found: dict[str, dict[int, bytes]] = {POST_CARDS: {}, USER_CARDS: {}}
        for (key, ids), cards in zip(wanted, answers, strict=True):
            found[key] = {id_: card for id_, card in zip(ids, cards, strict=True) if card is not None}
        return found[POST_CARDS], found[USER_CARDS]

    async def put(self, posts: Mapping[int, bytes], users: Mapping[int, bytes]) -> None:
        """Store cards by id."""
        limits = (CARDS_TTL_S, self._max_cards)
        calls = [
            Call(PUT_CARDS, (key,), (*limits, *(part for item in cards.items() for part in item)))
            for key, cards in ((POST_CARDS, posts), (USER_CARDS, users))
            if cards
        ]
        try:
            await self._redis.batch(calls)
        except Unavailable:
            return
