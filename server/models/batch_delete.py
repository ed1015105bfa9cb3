"""Deletion of many rows in statements of bounded size."""

from collections.abc import Sequence
from typing import Any

from server.models.database import Database, placeholders, retry_on_deadlock

DELETE_BATCH = 500


async def delete_rows(database: Database, table: str, row_ids: Sequence[int], key: str = "id") -> int:
    """Delete rows by their primary key, retrying on deadlock. Return how many."""
    ids = sorted(row_ids)
    sql = f"DELETE FROM {table} WHERE {key} IN ({placeholders(len(ids))})"
    return await retry_on_deadlock(lambda: database.execute(sql, ids))


async def delete_in_batches(
    database: Database, table: str, select: str, parameters: Sequence[Any] = ()
) -> int:
    """Delete the rows whose ids `select` returns, until it returns none. Return how many.

    `select` is limited to DELETE_BATCH rows by its caller.
    """
    deleted = 0
    while rows := await database.rows(select, parameters):
        deleted += await delete_rows(database, table, [row["id"] for row in rows])
    return deleted
