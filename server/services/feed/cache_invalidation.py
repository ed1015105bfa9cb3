"""Keeps feeds, counters and cards in Redis in step with what is committed: the watcher of the unit of work.

What a request changed is right in Redis before the request is answered, so its next page shows it.
"""

import asyncio
from collections.abc import Iterable, Sequence

import structlog

from server.errors import Unavailable
from server.events import (
    CacheKey,
    Event,
    LikeChanged,
    PersonChanged,
    PostChanged,
    PostDeleted,
    PostPublished,
    UserFollowed,
    UserUnfollowed,
)
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.gateways.feed_store.timelines import Counts, Timelines
from server.gateways.redis.pipelined_client import Call

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

SWEEP_EVERY_S = 1.0


class CacheInvalidation:
    def __init__(self, timelines: Timelines, touches: InvalidationLog) -> None:
        self._timelines = timelines
        self._touches = touches

    async def before(self, subjects: Sequence[CacheKey]) -> Sequence[str]:
        """Announce what is about to change."""
        return await self._touches.announce(subjects)

    async def after(
        self, handle: Sequence[str], subjects: Sequence[CacheKey], events: Sequence[Event]
    ) -> None:
        """Tell what was committed. Twice is once, and late is never worse than early: revisions decide."""
        await self._touches.settle(handle, subjects, list(self._calls(events)))

    async def drop(self, subjects: Sequence[CacheKey]) -> None:
        """These were changed without an event: what is remembered of them is dropped."""
        await self._touches.drop((), subjects)

    async def run(self) -> None:
        """Sweep every second, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await self.sweep()
            except Unavailable:
                continue  # the process's watch tells of it

    async def sweep(self) -> None:
        """Drop what processes that died did not live to tell, and what this one could not. Raises Unavailable."""
        if swept := await self._touches.sweep():
            log.info("cache_swept", changes=swept)

    def _calls(self, events: Sequence[Event]) -> Iterable[Call]:
        for event in events:
            match event:
                case PostChanged():
                    counts = Counts(
                        event.revision,
                        event.author_id,
                        event.likes_count,
                        event.comments_count,
                        event.edited_at_ms,
                    )
                    yield self._timelines.counts_call({event.post_id: counts.packed()})
                case PostDeleted():
                    yield self._timelines.counts_call({event.post_id: f"{event.revision},x"})
                case LikeChanged():
                    yield self._timelines.like_call(
                        event.actor_id, event.post_id, event.revision, liked=event.liked
                    )
                case PostPublished():
                    yield self._timelines.push_own_call(event.author_id, event.post_id)
                case UserFollowed() | UserUnfollowed():
                    yield self._timelines.reset_call(event.follower_id)
                case PersonChanged():
                    yield self._timelines.people_call({event.user_id: event.revision})
                case _:
                    pass
