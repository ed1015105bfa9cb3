"""Data that undoing a migration would delete."""

import re
from collections.abc import Sequence

from tortoise.exceptions import OperationalError

from server.models.database import Database

_TABLE = re.compile(r"""DROP TABLE (?:IF EXISTS )?[`"](\w+)[`"]""", re.IGNORECASE)
_ALTERED = re.compile(r"""ALTER TABLE [`"](\w+)[`"]""", re.IGNORECASE)
_COLUMN = re.compile(r"""DROP COLUMN [`"](\w+)[`"]""", re.IGNORECASE)
_REPLACED = re.compile(r"""RENAME TO [`"](\w+)[`"]""", re.IGNORECASE)


async def find_losses(database: Database, statements: Sequence[str]) -> list[str]:
    """Return what the statements would delete, such as `3 row(s) of places` or `lat of 5 row(s) of places`."""
    replaced = {table for statement in statements for table in _REPLACED.findall(statement)}
    losses: list[str] = []
    for statement in statements:
        dropped = [table for table in _TABLE.findall(statement) if table not in replaced]
        counts = [(table, await _count(database, table, "1 = 1")) for table in dropped]
        losses += [f"{count} row(s) of {table}" for table, count in counts if count]
        for column in _COLUMN.findall(statement):
            table = _ALTERED.findall(statement)[0]
            if count := await _count(database, table, await _differs_from_default(database, table, column)):
                losses.append(f"{column} of {count} row(s) of {table}")
    return losses


async def _count(database: Database, table: str, condition: str) -> int:
    try:
        rows = await database.rows(f"SELECT COUNT(*) AS rows_lost FROM {table} WHERE {condition}")
    except OperationalError:
        return 0  # an interrupted run deleted it already
    return rows[0]["rows_lost"]


async def _differs_from_default(database: Database, table: str, column: str) -> str:
    if database.dialect == "sqlite":
        found = await database.rows(
            "SELECT dflt_value AS fallback FROM pragma_table_info(?) WHERE name = ?", [table, column]
        )
    else:
        found = await database.rows(
            "SELECT COLUMN_DEFAULT AS fallback FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
            " AND TABLE_NAME = ? AND COLUMN_NAME = ?",
            [table, column],
        )
    fallback = (found[0]["fallback"] if found else None) or "NULL"
    present = f"{column} IS NOT NULL"
    if fallback.upper() == "NULL":
        return present
    # MariaDB quotes a default that is text, MySQL does not.
    text = fallback.strip("'").replace("'", "''")
    return f"{present} AND CAST({column} AS CHAR) <> '{text}'"
