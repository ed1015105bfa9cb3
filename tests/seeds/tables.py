"""What the tests of sample data ask of the whole database: is anything different, is every counter right."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from server.models.database import Database
from server.services.jobs.maintenance import COUNTED
from tests.support.backends import Stack

# Enough of everything: a celebrity, the administrator, and people who follow, answer and like each other.
SMALL_CAST_NAMES = ("ana", "admin", "ben", "clara", "diego")
TABLES = (
    "users", "sessions", "posts", "post_images", "comments", "likes", "follows", "notifications", "inboxes", "jobs",
    "queues", "schedules", "nodes",
)  # fmt: skip


@asynccontextmanager
async def looked_into(stack: Stack) -> AsyncGenerator[Database]:
    """The database of a stack, between two runs of a command, each of which opens it for itself."""
    database = Database(stack.database_parameters())
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def checksums(database: Database) -> dict[str, str]:
    """Of each table, over every column of every row."""
    found: dict[str, str] = {}
    for table in TABLES:
        rows = await database.rows(f"SELECT * FROM {table}")
        lines = sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS, default=str) for row in rows)
        found[table] = f"{len(rows)} rows, {hashlib.sha256(b''.join(lines)).hexdigest()[:16]}"
    return found


async def wrong_counters(database: Database) -> list[dict[str, Any]]:
    """The rows in which a counter is not what it counts."""
    wrong: list[dict[str, Any]] = []
    for counted in COUNTED:
        for name, truth in counted.counters.items():
            wrong += await database.rows(
                f"SELECT it.id, it.{name} AS said, ({truth}) AS counted FROM {counted.table} it"
                f" WHERE it.{name} <> ({truth})"
            )
    return wrong


async def count(database: Database, table: str, condition: str = "1 = 1") -> int:
    rows = await database.rows(f"SELECT COUNT(*) AS n FROM {table} WHERE {condition}")
    return int(rows[0]["n"])
