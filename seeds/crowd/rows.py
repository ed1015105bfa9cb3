"""Writing many rows with few statements, in one spelling for both dialects."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from server.models.database import Database, placeholders

Item = TypeVar("Item")

MAX_PARAMETERS = 8_000  # SQLite takes 32,766; above this nothing gets faster
MAX_IDS = 1_000


async def insert(
    database: Database, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows whose values are in the order of `columns`."""
    names = tuple(columns)
    for some in slices(rows, MAX_PARAMETERS // len(names)):
        await database.execute(_insertion(table, names, len(some)), [value for row in some for value in row])


async def add(database: Database, table: str, counter: str, gains: Mapping[int, int]) -> None:
    """Raise a counter of rows, given by their ids, each by its gain; those that gain alike together."""
    alike: dict[int, list[int]] = {}
    for row_id, gain in gains.items():
        alike.setdefault(gain, []).append(row_id)
    for gain, ids in sorted(alike.items()):
        for some in slices(sorted(ids), MAX_IDS):
            await database.execute(
                f"UPDATE {table} SET {counter} = {counter} + ? WHERE id IN ({placeholders(len(some))})",
                [gain, *some],
            )


def slices(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@lru_cache(maxsize=64)
def _insertion(table: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({placeholders(len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"
