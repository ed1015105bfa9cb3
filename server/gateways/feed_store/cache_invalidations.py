"""Cache invalidation log.

Cache keys are recorded in Redis before a transaction changes what they hold, and removed after it. If a process crashes
between its commit and the update of the caches, the entry expires and a sweep of any process drops the cached values.
So caches are stale for a few seconds at most, and pages need no query to check them.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

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


class Guard(Protocol):
    """Suspends the caches for all processes while Redis cannot be written to (`services/jobs/cache_guard.py`)."""

    @property
    def is_available(self) -> bool: ...
    async def suspend(self, *, wait: bool = True) -> None: ...
    async def is_current(self) -> bool: ...


class InvalidationLog:
    """Invalidation log with the keys that this process could not update yet.

    With a `guard`, a change that Redis refuses suspends the caches; without one, they are updated later.
    """

    def __init__(self, redis: PipelinedRedis, guard: Guard | None = None) -> None:
        self._redis = redis
        self._guard = guard
        self._pending: set[CacheKey] = set()
        self._drop_everything = False

    async def begin(self, keys: Sequence[CacheKey]) -> list[str]:
        """Record keys before the transaction that changes them; return the entries for `commit`.

        If Redis is unavailable, the caches are suspended, because this process may be killed after its commit.
        """
        nonce = secrets.token_hex(6)
        entries = [f"{key.kind}:{key.id}:{nonce}" for key in keys]
        if self._may_write():
            with suppress(Unavailable, ReplyError):
                await self._redis.run(scripts.BEGIN_INVALIDATIONS, (INVALIDATIONS,), (LOG_TTL_S, *entries))
                return entries
        if self._guard is not None:
            with suppress(Unavailable):  # the transaction will probably fail, too
                await self._guard.suspend(wait=False)
        return []

    async def commit(self, entries: Sequence[str], keys: Sequence[CacheKey], updates: Sequence[Call]) -> None:
        """Update the caches after the transaction and remove its entries.

        If Redis cannot be updated, or the entries expired in between, so that the updates may be older than what is
        cached, the keys are dropped. If that fails as well, the caches are suspended and the keys dropped later; this
        returns when no process shows what became stale. Raises Unavailable if the database does not answer either.
        """
        removal = (Call(scripts.COMMIT_INVALIDATIONS, (INVALIDATIONS,), entries),) if entries else ()
        if self._may_write():
            try:
                answers = await self._redis.batch((*updates, *removal))
            except (Unavailable, ReplyError) as error:
                if isinstance(error, ReplyError):
                    log.error("cache_update_rejected", error=str(error))
            else:
                if (not entries or answers[-1] == len(entries)) and await self._is_current():
                    return
        if keys:
            self.retry_later(keys)
            await self._drop_or_suspend(keys)

    def retry_later(self, keys: Sequence[CacheKey]) -> None:
        """Have the next sweep drop these keys, or everything if too many keys are pending."""
        self._pending.update(keys)
        if len(self._pending) > MAX_PENDING:
            self._pending.clear()
            self._drop_everything = True

    async def drop(self, entries: Sequence[str], keys: Sequence[CacheKey]) -> None:
        """Drop keys after a change without events, and remove its entries."""
        self.retry_later(keys)
        await self._drop_or_suspend(keys)
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

    def _may_write(self) -> bool:
        return self._guard is None or self._guard.is_available

    async def _is_current(self) -> bool:
        """Return whether this process writes to the server whose caches are used, as far as is known."""
        with suppress(Unavailable):
            return self._guard is None or await self._guard.is_current()
        return False

    async def _drop_or_suspend(self, keys: Sequence[CacheKey]) -> None:
        """Drop the pending keys, which include `keys`; if that is impossible, suspend the caches."""
        if self._may_write():
            with suppress(Unavailable, ReplyError):
                await self.expire()
                if await self._is_current():
                    return
        if self._guard is not None:
            await self._guard.suspend()
            self._pending.difference_update(keys)  # what is cached now is never used again
