"""Reads of ranked posts from Redis for explore, and which posts readers have seen there."""

from collections.abc import Sequence

from server.gateways.feed_store import timeline_scripts as scripts
from server.gateways.feed_store.keys import COUNTS, PEOPLE, liked_key, seen_key, strangers_key
from server.gateways.feed_store.timeline_reads import TimelineRead, parse_read
from server.gateways.redis.lua import Call
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import PostId, UserId

SEEN_TTL_S = 3 * 86_400
MAX_SEEN = 4000


class ExploreReads:
    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis

    async def read(
        self,
        reader_id: UserId,
        ranked: Sequence[tuple[PostId, UserId]],
        limit: int,
        *,
        passed: Sequence[PostId] = (),
        hide_seen: bool = True,
    ) -> TimelineRead:
        """Return the first `limit` of some ranked posts, given with their authors, that explore shows to the reader.

        `passed` are remembered as seen, in the same round trip. Raises RedisUnavailable.
        """
        seen = seen_key(reader_id)
        keys = (strangers_key(reader_id), seen, liked_key(reader_id), COUNTS, PEOPLE)
        packed = " ".join(f"{post_id} {author_id}" for post_id, author_id in ranked)
        calls = [Call(scripts.READ_EXPLORE, keys, (limit, int(hide_seen), packed), with_run_id=True)]
        if passed:
            calls.append(Call(scripts.MARK_SEEN, (seen,), (SEEN_TTL_S, MAX_SEEN, *passed)))
        answer, *_ = await self._redis.batch(calls)
        return parse_read(answer)

    async def list_seen(self, reader_id: UserId) -> set[PostId]:
        """Return the posts that the reader has seen. Raises RedisUnavailable."""
        return {PostId(int(each)) for each in await self._redis.command("SMEMBERS", seen_key(reader_id))}
