"""Reads of listed posts from Redis: with their counters, and without those that the reader must not see."""

from collections.abc import Sequence

from server.gateways.feed_store import timeline_scripts as scripts
from server.gateways.feed_store.keys import (
    COUNTS,
    PEOPLE,
    feed_key,
    follows_key,
    liked_key,
    relations_key,
    strangers_key,
)
from server.gateways.feed_store.timeline_reads import TimelineRead, parse_read
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import PostId, UserId


class ListedReads:
    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis

    async def read(
        self, reader_id: UserId, listed: Sequence[tuple[PostId, UserId]], limit: int
    ) -> TimelineRead:
        """Return the first `limit` of some posts, given with their authors, that may be visible to the reader.

        Raises RedisUnavailable.
        """
        keys = (
            strangers_key(reader_id), liked_key(reader_id), COUNTS, PEOPLE,
            feed_key(reader_id), follows_key(reader_id), relations_key(reader_id),
        )  # fmt: skip
        packed = " ".join(f"{post_id} {author_id}" for post_id, author_id in listed)
        answer = await self._redis.run(scripts.READ_LISTED, keys, (limit, packed), with_run_id=True)
        return parse_read(answer)
