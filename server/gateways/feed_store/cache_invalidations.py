"""Keeps what Redis remembers in step with the database: what a change makes stale is announced before, and told after.

A process that dies between its commit and what it would have told Redis leaves the announcement; a while later somebody
sweeps it, and what it names is read from the database again. So a cache is wrong for a few seconds at most, whatever is
killed, and costs a page no look at the database.
"""

import secrets
from collections.abc import Sequence

import structlog

from server.errors import Unavailable
from server.events import CacheKey
from server.gateways.feed_store import timeline_scripts as scripts
from server.gateways.feed_store.timelines import COUNTS, PEOPLE, TOUCHED, drop_all
from server.gateways.redis.pipelined_client import Call, PipelinedRedis, ReplyError

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

# Longer than a transaction takes. A sweep that comes too early, since one took longer, is mended when that has ended.
UNTOLD_AFTER_MS = 3000
SWEEP_BATCH = 500
TTL_S = 40 * 86_400  # longer than anything is kept that an announcement could be about
MAX_OWED = 100_000


class InvalidationLog:
    """The changes of this process that are under way."""

    def __init__(self, wire: PipelinedRedis) -> None:
        self._wire = wire
        self._owed: set[CacheKey] = set()
        self._everything = False

    async def announce(self, subjects: Sequence[CacheKey]) -> list[str]:
        """To be called before the transaction; what to `settle` after it. Redis being away stops nobody."""
        nonce = secrets.token_hex(6)
        members = [f"{subject.kind}:{subject.id}:{nonce}" for subject in subjects]
        try:
            await self._wire.run(scripts.TOUCH, (TOUCHED,), (TTL_S, *members))
        except (Unavailable, ReplyError):
            return []
        return members

    async def settle(
        self, members: Sequence[str], subjects: Sequence[CacheKey], told: Sequence[Call]
    ) -> None:
        """The transaction is over: tell Redis what came of it. What it cannot be told now is dropped there later; so is
        what was swept meanwhile, for then this may be old news."""
        settling = (Call(scripts.SETTLE, (TOUCHED,), members),) if members else ()
        try:
            answers = await self._wire.batch((*told, *settling))
        except (Unavailable, ReplyError) as error:
            if isinstance(error, ReplyError):
                log.error("cache_refused", error=str(error))
            self.owe(subjects)
        else:
            if members and answers[-1] < len(members):
                self.owe(subjects)

    def owe(self, subjects: Sequence[CacheKey]) -> None:
        """Have the next sweep drop what these made stale; all that there is, when it is too much to remember."""
        self._owed.update(subjects)
        if len(self._owed) > MAX_OWED:
            self._owed.clear()
            self._everything = True

    async def drop(self, members: Sequence[str], subjects: Sequence[CacheKey]) -> None:
        """The change is made, and nobody says what came of it: what it made stale is dropped at once."""
        self.owe(subjects)
        try:
            await self.sweep()
        except Unavailable:
            return  # the announcement, if there is one, is swept by whoever is there then
        await self.settle(members, (), ())

    async def sweep(self) -> int:
        """Drop what changes made stale that nobody told of; how many changes. Raises Unavailable."""
        swept = 0
        if self._everything:
            log.warning(
                "cache_dropped", reason="Redis was away for longer than what is stale was kept account of."
            )
            await drop_all(self._wire)
            self._everything = False
        while True:
            owed = list(self._owed)[:SWEEP_BATCH]
            members = [f"{subject.kind}:{subject.id}" for subject in owed]
            keys = (TOUCHED, COUNTS, PEOPLE)
            done: int = await self._wire.run(scripts.SWEEP, keys, (UNTOLD_AFTER_MS, *members))
            self._owed.difference_update(owed)
            swept += done
            if done < SWEEP_BATCH:
                return swept
