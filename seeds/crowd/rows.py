"""Bulk inserts and counter updates with few statements, for both dialects."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from server.models.database import Database, placeholders

Item = TypeVar("Item")

MAX_PARAMETERS = 8_000  # SQLite allows 32,766; more than this is not faster
MAX_IDS = 1_000


async def insert(
    database: Database, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert `rows`, whose values have the order of `columns`."""
    names = tuple(columns)
    for some in slices(rows, MAX_PARAMETERS // len(names)):
        await database.execute(_insertion(table, names, len(some)), [value for row in some for value in row])


async def add(database: Database, table: str, counter: str, increments: Mapping[int, int]) -> None:
    """Increase a counter by row id; rows with equal increments share statements."""
    ids_by_increment: dict[int, list[int]] = {}
    for row_id, increment in increments.items():
        ids_by_increment.setdefault(increment, []).append(row_id)
    for increment, ids in sorted(ids_by_increment.items()):
        for some in slices(sorted(ids), MAX_IDS):
            await database.execute(
                f"UPDATE {table} SET {counter} = {counter} + ? WHERE id IN ({placeholders(len(some))})",
                [increment, *some],
            )


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@lru_cache(maxsize=64)
def _insertion(table: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({placeholders(len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"
