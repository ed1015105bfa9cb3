"""Schemas of databases in a form that can be compared, and migrations that tests add to copies of the folder."""

import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from server.models.database import Database, DatabaseParameters
from tools.harness.backends import ROOT, Stack

FOLDER = ROOT / "migrations"
# The answers of both dialects in one form: a table's columns, its indexes, its foreign keys.
Schema = dict[str, tuple[set[Any], set[Any], set[Any]]]


@asynccontextmanager
async def opened(parameters: DatabaseParameters, *, migrating: bool = False) -> AsyncIterator[Database]:
    database = Database(parameters)
    await database.open(migrating=migrating)
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def another_database(stack: Stack) -> Iterator[DatabaseParameters]:
    """Create a second, empty database."""
    parameters = stack.database_parameters()
    if stack.mariadb is None:
        yield replace(parameters, file=stack.var_dir / "another.sqlite3")
        return
    name = f"{parameters.name}_another"
    stack.mariadb.query(f"CREATE DATABASE {name}")
    try:
        yield replace(parameters, name=name)
    finally:
        stack.mariadb.query(f"DROP DATABASE {name}")


async def schema_of(database: Database, *tables: str) -> Schema:
    """Return the schema of these tables; without any, of all."""
    if database.dialect == "sqlite":
        return await _sqlite_schema(database, tables)
    schema = await _mysql_schema(database)
    return {table: parts for table, parts in schema.items() if not tables or table in tables}


async def _sqlite_schema(database: Database, only: Sequence[str]) -> Schema:
    rows = await database.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    )
    schema: Schema = {}
    for table in [row["name"] for row in rows if not only or row["name"] in only]:
        columns = await database.rows(f"PRAGMA table_info('{table}')")
        indexes = await database.rows(f"PRAGMA index_list('{table}')")
        foreign = await database.rows(f"PRAGMA foreign_key_list('{table}')")
        schema[table] = (
            {(row["name"], row["type"], row["notnull"], row["dflt_value"], row["pk"]) for row in columns},
            {(row["unique"], row["partial"], await _index_columns(database, row["name"])) for row in indexes},
            {(row["from"], row["table"], row["to"], row["on_delete"], row["on_update"]) for row in foreign},
        )
    return schema


async def _index_columns(database: Database, index: str) -> tuple[str, ...]:
    rows = await database.rows(f"PRAGMA index_info('{index}')")
    return tuple(row["name"] for row in sorted(rows, key=lambda row: row["seqno"]))


async def _mysql_schema(database: Database) -> Schema:
    columns = await database.rows(
        "SELECT TABLE_NAME AS t, COLUMN_NAME AS c, COLUMN_TYPE AS type, IS_NULLABLE AS nullable, COLUMN_KEY AS k,"
        " COLUMN_DEFAULT AS fallback, EXTRA AS extra FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
    )
    indexes = await database.rows(
        "SELECT TABLE_NAME AS t, INDEX_NAME AS name, NON_UNIQUE AS many, GROUP_CONCAT(COLUMN_NAME ORDER BY"
        " SEQ_IN_INDEX) AS columns FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()"
        " GROUP BY TABLE_NAME, INDEX_NAME, NON_UNIQUE"
    )
    foreign = await database.rows(
        "SELECT k.TABLE_NAME AS t, k.COLUMN_NAME AS c, k.REFERENCED_TABLE_NAME AS r, k.REFERENCED_COLUMN_NAME AS rc,"
        " x.DELETE_RULE AS on_delete, x.UPDATE_RULE AS on_update FROM information_schema.KEY_COLUMN_USAGE k"
        " JOIN information_schema.REFERENTIAL_CONSTRAINTS x ON x.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA"
        " AND x.CONSTRAINT_NAME = k.CONSTRAINT_NAME WHERE k.TABLE_SCHEMA = DATABASE()"
    )
    schema: Schema = {row["t"]: (set(), set(), set()) for row in columns}
    for position, rows in enumerate((columns, indexes, foreign)):
        for row in rows:
            schema[row.pop("t")][position].add(tuple(sorted(row.items())))
    return schema


def with_migration(
    folder: Path, number: int, up: Sequence[str], down: Sequence[str], compatible_from: int | None = None
) -> Path:
    """Copy the migrations to `folder`, unless it exists, and add one to both dialects. Return `folder`."""
    if not folder.exists():
        shutil.copytree(FOLDER, folder)
    declared = "" if compatible_from is None else f"COMPATIBLE_FROM = {compatible_from}\n"
    text = (
        f"{declared}async def upgrade(db):\n    return {';'.join(up)!r}\n\n\n"
        f"async def downgrade(db):\n    return {';'.join(down)!r}\n"
    )
    for dialect in ("sqlite", "mysql"):
        (folder / dialect / "models" / f"{number}_20991231235959_later.py").write_text(text)
    return folder
