"""A SQLite file on a full or read-only disk: writes are Unavailable, nothing is held, and it recovers."""

import resource
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tortoise import connections

from server.errors import Unavailable
from server.models.database import Database
from tools.harness.backends import Stack

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True)

ROWS = 128
UNLIMITED = resource.RLIM_INFINITY
WRITE = "INSERT INTO nodes (node, owner, lease_until_ms, last_ms) VALUES (?, ?, 0, 0)"


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[int], None]]:
    """Return a function that limits the size of each file that this process writes."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(
        resource.RLIMIT_FSIZE, (before if size == UNLIMITED else size, most)
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


async def fill(database: Database) -> None:
    """Write more than fits into the pages that the file has."""
    async with database.transaction():
        for node in range(ROWS):
            await database.execute(WRITE, [node, "x" * 4000])


async def count(database: Database) -> int:
    ((row),) = await database.rows("SELECT COUNT(*) AS number FROM nodes")
    return row["number"]


def assert_nothing_is_held() -> None:
    client: Any = connections.get("default")
    assert not client._lock.locked()
    assert not client._connection.in_transaction


async def limit_pages(database: Database, pages: int) -> None:
    await database.rows(f"PRAGMA max_page_count = {pages}")


async def test_full_disk_is_unavailable_and_recovers(database: Database) -> None:
    await limit_pages(database, 1)  # SQLite keeps the pages that the file has
    with pytest.raises(Unavailable, match="database or disk is full"):
        await fill(database)
    assert_nothing_is_held()
    assert await count(database) == 0
    with pytest.raises(Unavailable, match="database or disk is full"):
        for node in range(ROWS):
            await database.execute(WRITE, [node, "x" * 4000])
    assert_nothing_is_held()
    await database.execute("DELETE FROM nodes")
    await limit_pages(database, 1_000_000)
    await fill(database)
    assert await count(database) == ROWS


@pytest.mark.parametrize(
    "message", ["database or disk is full", "disk I/O error", "attempt to write a readonly database"]
)
async def test_failed_commit_is_unavailable_and_rolled_back(
    database: Database, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    await count(database)
    client: Any = connections.get("default")

    async def fail() -> None:
        raise sqlite3.OperationalError(message)

    with monkeypatch.context() as patched:
        patched.setattr(client._connection, "commit", fail)
        with pytest.raises(Unavailable, match=message):
            async with database.transaction():
                await database.execute(WRITE, [1, ""])
    assert_nothing_is_held()
    assert await count(database) == 0
    async with database.transaction():
        await database.execute(WRITE, [1, ""])
    assert await count(database) == 1


async def test_commit_that_exceeds_the_disk_is_unavailable(
    database: Database, migrated_stack: Stack, file_size_limit: Callable[[int], None]
) -> None:
    """The pages of the transaction fit into the cache, so only its COMMIT writes to the disk."""
    await database.execute(WRITE, [ROWS, ""])
    log_size = migrated_stack.sqlite_file.with_name(f"{migrated_stack.sqlite_file.name}-wal").stat().st_size
    with pytest.raises(Unavailable, match="disk"):
        async with database.transaction():
            for node in range(ROWS):
                await database.execute(WRITE, [node, "x" * 4000])
            file_size_limit(log_size + 100_000)
    assert_nothing_is_held()
    assert await count(database) == 1
    file_size_limit(UNLIMITED)
    await fill(database)
    assert await count(database) == ROWS + 1


async def test_read_only_database_is_unavailable(database: Database) -> None:
    await database.rows("PRAGMA query_only = 1")
    with pytest.raises(Unavailable, match="readonly"):
        await database.execute(WRITE, [1, ""])
    await database.rows("PRAGMA query_only = 0")
    await database.execute(WRITE, [1, ""])
