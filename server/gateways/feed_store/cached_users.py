"""Everything that Redis caches about one user."""

from collections.abc import Collection

from server.gateways.feed_store.card_cache import POST_CARDS, USER_CARDS
from server.gateways.feed_store.keys import (
    FAN_OUT_ON_READ,
    PEOPLE,
    author_key,
    feed_key,
    follows_key,
    liked_key,
    relations_key,
    seen_key,
    strangers_key,
    tags_key,
)
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import UserId


class CachedUsers:
    """The feed, the lists, the likes, the card and the posts' cards of a user who is erased."""

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis

    async def drop(self, user_id: UserId) -> None:
        """Delete everything. Raises Unavailable."""
        await self._redis.commands(
            ("DEL", *_keys(user_id)),
            ("HDEL", PEOPLE, user_id),
            ("HDEL", USER_CARDS, user_id),
            ("SREM", FAN_OUT_ON_READ, user_id),
        )

    async def drop_post_cards(self, post_ids: Collection[int]) -> None:
        """Delete the cards of posts by the user, or with a mention of the user. Raises Unavailable."""
        if post_ids:
            await self._redis.commands(("HDEL", POST_CARDS, *post_ids))

    async def find_remaining(self, user_id: UserId) -> list[str]:
        """Return the keys that still have something about the user. Raises Unavailable."""
        keys = [*_keys(user_id), PEOPLE, USER_CARDS, FAN_OUT_ON_READ]
        answers = await self._redis.commands(
            *(("EXISTS", key) for key in _keys(user_id)),
            ("HEXISTS", PEOPLE, user_id),
            ("HEXISTS", USER_CARDS, user_id),
            ("SISMEMBER", FAN_OUT_ON_READ, user_id),
        )
        return [key for key, exists in zip(keys, answers, strict=True) if exists]


def _keys(user_id: UserId) -> list[str]:
    kinds = (feed_key, author_key, follows_key, relations_key, tags_key, strangers_key, seen_key, liked_key)
    return [key(user_id) for key in kinds]
