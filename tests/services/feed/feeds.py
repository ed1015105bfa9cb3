"""Actions and observations that tests of feeds share."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import PostId, UserId
from server.models.database import Database
from server.paging import PageRequest, decode_cursor
from server.services.feed.pages import Feed
from server.services.jobs.event_jobs import JobKind
from tools.harness.services import ServiceHarness

FEED_JOBS = (JobKind.FAN_OUT, JobKind.WITHDRAW)


async def read_all(feed: Feed, reader_id: UserId, limit: int = 0) -> list[PostId]:
    """Return the whole feed, page by page; `limit` 0 means a random limit per page."""
    seen: list[PostId] = []
    after = None
    while True:
        size = limit or random.randint(1, 15)
        page = await feed.page(reader_id, PageRequest(size, after))
        seen += [post.id for post in page.items]
        if page.next_cursor is None:
            return seen
        assert len(page.items) == size, "only the last page may be short"
        after = decode_cursor(page.next_cursor)


async def expected_feed(harness: ServiceHarness, reader_id: UserId) -> list[PostId]:
    """Return the expected feed, from one statement."""
    rows = await harness.rows(
        "SELECT p.id FROM posts p WHERE p.author_id = ? OR EXISTS(SELECT 1 FROM follows f WHERE f.follower_id = ?"
        " AND f.followee_id = p.author_id) ORDER BY p.id DESC",
        reader_id,
        reader_id,
    )
    return [row["id"] for row in rows]


async def cached_ids(harness: ServiceHarness, reader_id: UserId) -> list[PostId] | None:
    """Return the ids in Redis, newest first, or None if the feed is not built."""
    members = await harness.redis.zrange(f"feed:{reader_id}", 0, -1, desc=True)
    if not any(member.startswith(b"built:") for member in members):
        return None
    return [PostId(int(member)) for member in members if member.isdigit()]


async def follow(harness: ServiceHarness, reader_id: UserId, *author_ids: UserId) -> None:
    for author_id in author_ids:
        await harness.follows.follow(reader_id, author_id)


async def add_readers(harness: ServiceHarness, author: UserId, count: int) -> list[UserId]:
    readers = await harness.users(count)
    for reader in readers:
        await follow(harness, reader, author)
        await read_all(harness.feed, reader)
    return readers


async def has_post(harness: ServiceHarness, readers: list[UserId], post_id: PostId) -> list[bool]:
    return [post_id in (await cached_ids(harness, reader) or []) for reader in readers]


@contextmanager
def count_queries(database: Database) -> Iterator[list[str]]:
    """Record the statements sent to the database."""
    statements: list[str] = []
    rows, execute = database.rows, database.execute

    async def counted_rows(sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        statements.append(sql)
        return await rows(sql, parameters)

    async def counted_execute(sql: str, parameters: Sequence[Any] = ()) -> int:
        statements.append(sql)
        return await execute(sql, parameters)

    database.rows, database.execute = counted_rows, counted_execute  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        del database.rows, database.execute


@contextmanager
def count_round_trips(wire: PipelinedRedis) -> Iterator[list[str]]:
    """Record the round trips to Redis."""
    calls: list[str] = []
    names = ("command", "commands", "run", "batch")

    def count_queries(name: str) -> Callable[..., Any]:
        original = getattr(wire, name)

        async def call(*arguments: Any, **options: Any) -> Any:
            calls.append(name)
            return await original(*arguments, **options)

        return call

    for name in names:
        setattr(wire, name, count_queries(name))
    try:
        yield calls
    finally:
        for name in names:
            delattr(wire, name)


async def reader_and_author(harness: ServiceHarness) -> tuple[UserId, UserId, list[PostId]]:
    """Return a reader with a cached feed, a followed author, and the author's posts."""
    reader, author = await harness.users(2)
    await harness.follows.follow(reader, author)
    posts = [await harness.post(author) for _ in range(5)]
    await harness.likes.like(reader, posts[0])
    await harness.work_off()
    for _ in range(2):
        await harness.feed.page(reader, PageRequest())
    return reader, author, posts
