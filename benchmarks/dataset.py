"""Backends for benchmarks, and bulk inserts of users, posts, follows, sessions and notifications.

The rows equal those of the services, without jobs and cache entries. `python -m seeds --scale` creates larger data sets
with pictures, comments and likes.
"""

import random
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from server.clock import SystemClock
from server.gateways.media import MARKER
from server.ids import IdGenerator, SessionId, UserId, min_id_at
from server.models.database import Database, placeholders
from server.models.jobs.installation import InstallationRepository
from server.models.migrations import Migrations
from tools.harness.backends import ROOT, Stack, mariadb_missing, start_mariadb, start_redis, start_valkey
from tools.harness.servers import find_program

ROWS_PER_STATEMENT = 1000
BUFFER_POOL = {"innodb-buffer-pool-size": "1G"}
MEDIA_STORE_ID = "benchmark"
DAY_MS = 86_400_000
YEAR_MS = 365 * DAY_MS
IMAGE_COLUMNS = "id, post_id, position, media_key, width, height, blurhash, alt_text, variants"


@contextmanager
def mariadb_stack(scratch: Path) -> Iterator[Stack | None]:
    """Start MariaDB, which flushes at every commit, and Redis; yield None if they are not installed.

    The buffer pool holds the indexes, as the runbook demands.
    """
    if mariadb_missing() or find_program("redis-server") is None:
        yield None
        return
    mariadb, redis = (
        start_mariadb(scratch / "mariadb", durable=True, options=BUFFER_POOL),
        start_redis(scratch / "redis"),
    )
    mariadb.query("CREATE DATABASE bench")
    credentials = {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(mariadb.port),
        "DB_USERNAME": "photofeed",
        "DB_PASSWORD": "the password of the tests",
        "DB_NAME": "bench",
    }
    (scratch / "external").mkdir()
    try:
        yield Stack("mariadb", scratch / "external", redis, credentials, mariadb)
    finally:
        mariadb.stop()
        redis.stop()


@contextmanager
def embedded_stack(scratch: Path) -> Iterator[Stack]:
    """Start Valkey beside a SQLite file."""
    valkey = start_valkey(scratch / "valkey")
    (scratch / "embedded").mkdir()
    try:
        yield Stack("embedded", scratch / "embedded", valkey)
    finally:
        valkey.stop()


@asynccontextmanager
async def opened(stack: Stack) -> AsyncIterator[tuple[Database, Redis]]:
    """Migrate the database of a stack and yield it with a client of its Redis."""
    database = Database(stack.database_parameters())
    await database.open()
    try:
        await Migrations(database, ROOT / "migrations").upgrade()
        await own_media_store(stack, InstallationRepository(database))
        async with Redis.from_url(stack.redis.url) as redis:
            yield database, redis
    finally:  # its thread would keep a failed benchmark from ending
        await database.close()


async def own_media_store(stack: Stack, installation: InstallationRepository) -> None:
    """Pair the database and an empty media store, because the rows refer to pictures that do not exist."""
    await installation.insert(MEDIA_STORE_ID)
    await installation.set_media_store_id(MEDIA_STORE_ID)
    (stack.var_dir / "media").mkdir(exist_ok=True)
    (stack.var_dir / "media" / MARKER).write_text(MEDIA_STORE_ID)


class Dataset:
    """Bulk inserts into a migrated, empty database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids = IdGenerator(SystemClock(), 1)
        self._serial = 0
        self.random = random.Random(1)

    async def users(self, count: int) -> list[UserId]:
        rows: list[tuple[Any, ...]] = []
        for _ in range(count):
            self._serial += 1
            name = f"user{self._serial}"
            address = f"{name}@example.com"
            rows.append((self._ids.next(), name, name, address, address, "", 0, "Sample User", 0))
        columns = (
            "id, username, username_key, email, email_key, password_hash, password_changed_at_ms, full_name,"
            " created_at_ms"
        )
        constants = ", bio, website, avatar_key, role, posts_count, followers_count, following_count"
        await self._insert("users", columns, rows, constants, ", '', '', '', 'user', 0, 0, 0")
        return [UserId(row[0]) for row in rows]

    async def follow(self, followers: Sequence[int], followees: Sequence[int]) -> None:
        """Make each of `followers` follow each of `followees`."""
        pairs = [(self._ids.next(), one, other) for one in followers for other in followees]
        await self._insert("follows", "id, follower_id, followee_id", pairs)
        await self._count("followers_count", followees, len(followers))
        await self._count("following_count", followers, len(followees))

    async def posts(self, authors: Sequence[int], count: int, *, pictures: int = 0) -> list[int]:
        """Insert posts of the last year by random authors and return their ids, oldest first."""
        now_ms = SystemClock().now_ms()
        step_ms = YEAR_MS / count
        ids = [min_id_at(round(now_ms - YEAR_MS + number * step_ms)) + number % 32 for number in range(count)]
        caption = "The last light over the hills #sunset #hills"
        rows = [(id_, authors[self.random.randrange(len(authors))], caption) for id_ in ids]
        await self._insert("posts", "id, author_id, caption", rows, ", likes_count, comments_count", ", 3, 2")
        if pictures:
            variants = '["small","medium","large"]'
            shown = [
                (
                    self._ids.next(),
                    id_,
                    n,
                    f"posts/{id_:032x}",
                    1440,
                    1080,
                    "LEHV6nWB2yk8pyo0adR*",
                    "Hills",
                    variants,
                )
                for id_ in ids
                for n in range(pictures)
            ]
            await self._insert("post_images", IMAGE_COLUMNS, shown)
        return ids

    async def likes(self, pairs: Collection[tuple[int, int]]) -> None:
        """Insert likes by users of posts, without counting them."""
        rows = [(self._ids.next(), user_id, post_id) for user_id, post_id in pairs]
        await self._insert("likes", "id, user_id, post_id", rows)

    async def sessions(self, users: Sequence[UserId]) -> list[SessionId]:
        """Insert a session of one day for each user and return their ids in the order of `users`."""
        now_ms = SystemClock().now_ms()
        rows = [(self._ids.next(), user, now_ms, now_ms, now_ms + DAY_MS) for user in users]
        columns = "id, user_id, created_at_ms, last_used_at_ms, expires_at_ms"
        more, values = (
            ", refresh_hash, previous_hash, rotated_at_ms, user_agent, address",
            ", '', '', 0, '', ''",
        )
        await self._insert("sessions", columns, rows, more, values)
        return [SessionId(row[0]) for row in rows]

    async def notifications(self, users: Sequence[UserId], posts: Sequence[int], sequence: int) -> None:
        """Insert one like notification per user with number `sequence`; call with 1, 2, 3 and so on."""
        now_ms = SystemClock().now_ms()
        rows: list[tuple[Any, ...]] = []
        for number, user in enumerate(users):
            actor, post = users[(number + sequence) % len(users)], posts[number % len(posts)]
            rows.append((self._ids.next(), user, sequence, actor, post, post, now_ms))
        columns = "id, recipient_id, sequence, actor_id, target_id, post_id, created_at_ms"
        await self._insert("notifications", columns, rows, ", type", ", 'like'")
        if sequence == 1:
            await self._insert("inboxes", "user_id, last_sequence", [(user, 1) for user in users])
        else:
            await self._database.execute("UPDATE inboxes SET last_sequence = ?", [sequence])

    async def _count(self, column: str, ids: Sequence[int], change: int) -> None:
        for start in range(0, len(ids), ROWS_PER_STATEMENT):
            some = ids[start : start + ROWS_PER_STATEMENT]
            await self._database.execute(
                f"UPDATE users SET {column} = {column} + {change} WHERE id IN ({placeholders(len(some))})",
                some,
            )

    async def _insert(
        self, table: str, columns: str, rows: Sequence[Sequence[Any]], more: str = "", values: str = ""
    ) -> None:
        with self._database.statement_timeout(600):
            async with self._database.transaction():
                for start in range(0, len(rows), ROWS_PER_STATEMENT):
                    some = rows[start : start + ROWS_PER_STATEMENT]
                    row = f"({placeholders(len(some[0]))}{values})"
                    await self._database.execute(
                        f"INSERT INTO {table} ({columns}{more}) VALUES {', '.join([row] * len(some))}",
                        [value for each in some for value in each],
                    )
