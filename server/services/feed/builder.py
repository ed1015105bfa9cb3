"""Builds what a page misses in Redis, each thing once at a time, however many callers wait for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from functools import partial

from server.gateways.feed_store.timelines import Timelines
from server.ids import HashtagId, UserId
from server.metrics import Metrics
from server.services.feed.queries import NEWEST, FeedQueries

MAX_CONCURRENT_LISTS = 16


class FeedBuilder:
    """Builder of cached feeds, likes and saves, author lists, and the set of authors with fan-out on read."""

    def __init__(self, queries: FeedQueries, timelines: Timelines, metrics: Metrics) -> None:
        self._queries = queries
        self._timelines = timelines
        self._metrics = metrics
        self._builds: dict[str, asyncio.Task[None]] = {}

    async def build_feed(self, reader_id: UserId) -> None:
        """Build a reader's feed, unless another process builds it."""
        await self._build_once(f"feed {reader_id}", lambda: self._build_feed(reader_id))

    async def wait_for_feed(self, reader_id: UserId) -> bool:
        """Wait until this process has built a feed; return False if it is not building it."""
        task = self._builds.get(f"feed {reader_id}")
        if task is None:
            return False
        await asyncio.shield(task)
        return True

    async def build_likes(self, reader_id: UserId, from_id: int) -> None:
        """Build a reader's likes and saves among the posts from `from_id` up."""
        await self._build_once(f"likes {reader_id}", lambda: self._build_likes(reader_id, from_id))

    async def build_author_lists(self, author_ids: Sequence[UserId]) -> bool:
        """Build the lists of authors with fan-out on read; return False if there are more to build."""
        batch = author_ids[:MAX_CONCURRENT_LISTS]
        await asyncio.gather(
            *(
                self._build_once(
                    f"list {author_id}", lambda author_id=author_id: self._build_author_list(author_id)
                )
                for author_id in batch
            )
        )
        return len(batch) == len(author_ids)

    async def build_tag_lists(self, hashtag_ids: Sequence[HashtagId]) -> None:
        """Build the lists of hashtags."""
        await asyncio.gather(
            *(
                self._build_once(f"tag {hashtag_id}", partial(self._build_tag_list, hashtag_id))
                for hashtag_id in hashtag_ids
            )
        )

    async def build_author_set(self) -> None:
        """Build the set of authors with fan-out on read."""
        await self._build_once("author set", self._build_author_set)

    async def _build_feed(self, reader_id: UserId) -> None:
        token = await self._timelines.begin_feed(reader_id)
        if token is None:
            return
        began = time.monotonic()
        followed = await self._queries.list_followed(reader_id)
        post_ids = await self._queries.list_newest(
            reader_id, list(followed.authors), NEWEST, self._timelines.window
        )
        marks = await self._queries.list_marks(reader_id, self._queries.first_marked(post_ids))
        await self._timelines.complete_feed(reader_id, token, post_ids, followed, marks)
        self._metrics.observe_feed_build(time.monotonic() - began)

    async def _build_likes(self, reader_id: UserId, from_id: int) -> None:
        token = await self._timelines.begin_likes(reader_id)
        if token is not None:
            marks = await self._queries.list_marks(reader_id, from_id)
            await self._timelines.complete_likes(reader_id, token, marks)

    async def _build_author_list(self, author_id: UserId) -> None:
        token = await self._timelines.begin_author_list(author_id)
        if token is not None:
            window = self._timelines.window
            post_ids = await self._queries.list_newest(author_id, [author_id], NEWEST, window)
            await self._timelines.complete_author_list(author_id, token, post_ids)

    async def _build_tag_list(self, hashtag_id: HashtagId) -> None:
        token = await self._timelines.begin_tag_list(hashtag_id)
        if token is not None:
            post_ids = await self._queries.list_tagged(hashtag_id, self._timelines.window)
            await self._timelines.complete_tag_list(hashtag_id, token, post_ids)

    async def _build_author_set(self) -> None:
        author_ids = await self._queries.list_fan_out_on_read_authors()
        await self._timelines.complete_author_set(author_ids)

    async def _build_once(self, name: str, build: Callable[[], Awaitable[None]]) -> None:
        task = self._builds.get(name)
        if task is None:

            async def run() -> None:
                try:
                    await build()
                finally:
                    del self._builds[name]

            # An empty context: a build for many callers must not join the transaction of one.
            task = asyncio.create_task(run(), name=f"build {name}", context=Context())
            self._builds[name] = task
            task.add_done_callback(_retrieve_exception)
        await asyncio.shield(task)


def _retrieve_exception(task: asyncio.Task[None]) -> None:
    """Avoid asyncio's warning about an unretrieved exception if every caller was cancelled."""
    if not task.cancelled():
        task.exception()
