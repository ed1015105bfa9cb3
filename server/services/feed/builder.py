"""Builds in Redis what a page found missing there, each once at a time however many wait for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context

from server.gateways.feed_store.timelines import Timelines
from server.ids import PostId, UserId
from server.metrics import Metrics
from server.services.feed.queries import NEWEST, FeedQueries

LISTS_AT_ONCE = 16


class FeedBuilder:
    def __init__(self, source: FeedQueries, timelines: Timelines, metrics: Metrics) -> None:
        self._source = source
        self._timelines = timelines
        self._metrics = metrics
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def feed(self, reader_id: UserId) -> None:
        """Build a reader's feed, unless another process is at it."""
        await self._once(f"feed {reader_id}", lambda: self._feed(reader_id))

    async def is_feed_under_way(self, reader_id: UserId) -> bool:
        """Whether this process is building a feed; then it is built when this returns."""
        task = self._under_way.get(f"feed {reader_id}")
        if task is None:
            return False
        await asyncio.shield(task)
        return True

    async def likes(self, reader_id: UserId, floor: int) -> None:
        """Build what a reader likes among the posts from `floor` up."""
        await self._once(f"likes {reader_id}", lambda: self._likes(reader_id, floor))

    async def lists(self, author_ids: Sequence[UserId]) -> bool:
        """Build the lists of authors whose posts are not pushed; False if they were too many to do all of them now."""
        some = author_ids[:LISTS_AT_ONCE]
        await asyncio.gather(
            *(
                self._once(f"list {author_id}", lambda author_id=author_id: self._list(author_id))
                for author_id in some
            )
        )
        return len(some) == len(author_ids)

    async def pulled(self) -> None:
        """Build the set of those authors."""
        await self._once("pulled", self._pulled)

    async def _feed(self, reader_id: UserId) -> None:
        token = await self._timelines.open_feed(reader_id)
        if token is None:
            return
        began = time.monotonic()
        followees = await self._source.followees(reader_id)
        authors = [reader_id, *followees]
        post_ids = await self._source.newest(reader_id, authors, NEWEST, self._timelines.window)
        likes = await self._source.liked(reader_id, post_ids[-1] if post_ids else 0)
        await self._timelines.fill_feed(reader_id, token, post_ids, followees, likes)
        self._metrics.feed_built(time.monotonic() - began)

    async def _likes(self, reader_id: UserId, floor: int) -> None:
        token = await self._timelines.open_likes(reader_id)
        if token is not None:
            likes = await self._source.liked(reader_id, floor)
            await self._timelines.fill_likes(reader_id, token, likes)

    async def _list(self, author_id: UserId) -> None:
        token = await self._timelines.open_list(author_id)
        if token is not None:
            post_ids: list[PostId] = await self._source.newest(
                author_id, [author_id], NEWEST, self._timelines.window
            )
            await self._timelines.fill_list(author_id, token, post_ids)

    async def _pulled(self) -> None:
        await self._timelines.fill_pulled(await self._source.pulled())

    async def _once(self, what: str, build: Callable[[], Awaitable[None]]) -> None:
        task = self._under_way.get(what)
        if task is None:

            async def work() -> None:
                try:
                    await build()
                finally:
                    del self._under_way[what]

            # A context of its own: what is built for many must not be part of one asker's transaction.
            task = asyncio.create_task(work(), name=f"building {what}", context=Context())
            self._under_way[what] = task
            task.add_done_callback(_seen)
        await asyncio.shield(task)


def _seen(task: asyncio.Task[None]) -> None:
    """Whoever waited may have been cancelled meanwhile, and asyncio would warn that nobody looked at the error."""
    if not task.cancelled():
        task.exception()
