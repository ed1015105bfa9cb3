"""Checks of the whole database: checksums of tables, wrong counters, row counts."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from server.models.counters import COUNTED_TABLES
from server.models.database import Database
from tools.harness.backends import Stack

# A celebrity, the administrator, and users who follow, reply to and like each other.
FEW_USERNAMES = ("ana", "admin", "ben", "clara", "diego")
TABLES = (
    "users", "sessions", "posts", "post_images", "comments", "comment_likes", "likes", "follows", "notifications",
    "inboxes", "jobs", "queues", "schedules", "nodes",
)  # fmt: skip


@asynccontextmanager
async def open_for_inspection(stack: Stack) -> AsyncGenerator[Database]:
    """Open the database of a stack between two runs of a command that open it themselves."""
    database = Database(stack.database_parameters())
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def checksums(database: Database) -> dict[str, str]:
    """Return a checksum per table, over all columns and rows."""
    found: dict[str, str] = {}
    for table in TABLES:
        rows = await database.rows(f"SELECT * FROM {table}")
        lines = sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS, default=str) for row in rows)
        found[table] = f"{len(rows)} rows, {hashlib.sha256(b''.join(lines)).hexdigest()[:16]}"
    return found


async def wrong_counters(database: Database) -> list[dict[str, Any]]:
    """Return the rows with a counter that differs from the number of counted rows."""
    wrong: list[dict[str, Any]] = []
    for counted in COUNTED_TABLES:
        for name, truth in counted.counters.items():
            wrong += await database.rows(
                f"SELECT it.id, it.{name} AS stored, ({truth}) AS counted FROM {counted.name} it"
                f" WHERE it.{name} <> ({truth})"
            )
    return wrong


async def count(database: Database, table: str, condition: str = "1 = 1") -> int:
    rows = await database.rows(f"SELECT COUNT(*) AS n FROM {table} WHERE {condition}")
    return int(rows[0]["n"])
