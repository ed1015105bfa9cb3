"""Cache invalidation log.

Cache keys are recorded in Redis before a transaction changes what they hold, and removed after it. If a process crashes
between its commit and the update of the caches, the entry expires and a sweep of any process drops the cached values.
So caches are stale for a few seconds at most, and pages need no query to check them.
"""

import secrets
from collections.abc import Sequence

import structlog

from server.errors import Unavailable
from server.events import CacheKey
from server.gateways.feed_store import timeline_scripts as scripts
from server.gateways.feed_store.keys import COUNTS, INVALIDATIONS, PEOPLE
from server.gateways.feed_store.timelines import drop_all
from server.gateways.redis.error_replies import ReplyError
from server.gateways.redis.lua import Call
from server.gateways.redis.pipelined_client import PipelinedRedis

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

# Longer than a transaction takes. If one takes longer still, `commit` notices that its entries expired.
EXPIRE_AFTER_MS = 3000
EXPIRE_BATCH = 500
LOG_TTL_S = 40 * 86_400  # longer than any cached value lives
MAX_PENDING = 100_000


class InvalidationLog:
    """Invalidation log with the keys that this process could not update yet."""

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis
        self._pending: set[CacheKey] = set()
        self._drop_everything = False

    async def begin(self, keys: Sequence[CacheKey]) -> list[str]:
        """Record keys before the transaction that changes them; return the entries for `commit`.

        An unavailable Redis does not block the caller.
        """
        nonce = secrets.token_hex(6)
        entries = [f"{key.kind}:{key.id}:{nonce}" for key in keys]
        try:
            await self._redis.run(scripts.BEGIN_INVALIDATIONS, (INVALIDATIONS,), (LOG_TTL_S, *entries))
        except (Unavailable, ReplyError):
            return []
        return entries

    async def commit(self, entries: Sequence[str], keys: Sequence[CacheKey], updates: Sequence[Call]) -> None:
        """Update the caches after the transaction and remove its entries.

        If Redis cannot be updated, the keys are dropped later. The same holds if the entries expired in between,
        because then the updates may be older than what is cached.
        """
        removal = (Call(scripts.COMMIT_INVALIDATIONS, (INVALIDATIONS,), entries),) if entries else ()
        try:
            answers = await self._redis.batch((*updates, *removal))
        except (Unavailable, ReplyError) as error:
            if isinstance(error, ReplyError):
                log.error("cache_update_rejected", error=str(error))
            self.retry_later(keys)
        else:
            if entries and answers[-1] < len(entries):
                self.retry_later(keys)

    def retry_later(self, keys: Sequence[CacheKey]) -> None:
        """Have the next sweep drop these keys, or everything if too many keys are pending."""
        self._pending.update(keys)
        if len(self._pending) > MAX_PENDING:
            self._pending.clear()
            self._drop_everything = True

    async def drop(self, entries: Sequence[str], keys: Sequence[CacheKey]) -> None:
        """Drop keys after a change without events, and remove its entries."""
        self.retry_later(keys)
        try:
            await self.expire()
        except Unavailable:
            return  # the entries, if any, expire
        await self.commit(entries, (), ())

    async def expire(self) -> int:
        """Drop what expired entries and pending keys name; return their number. Raises RedisUnavailable."""
        expired = 0
        if self._drop_everything:
            log.warning(
                "cache_dropped", reason="Redis was unavailable for too long to track every stale key."
            )
            await drop_all(self._redis)
            self._drop_everything = False
        while True:
            pending = list(self._pending)[:EXPIRE_BATCH]
            entries = [f"{key.kind}:{key.id}" for key in pending]
            redis_keys = (INVALIDATIONS, COUNTS, PEOPLE)
            done: int = await self._redis.run(
                scripts.EXPIRE_INVALIDATIONS, redis_keys, (EXPIRE_AFTER_MS, *entries)
            )
            self._pending.difference_update(pending)
            expired += done
            if done < EXPIRE_BATCH:
                return expired
