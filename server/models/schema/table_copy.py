"""Reads all tables in one snapshot, and fills the tables of an empty database, on connections beside the pool."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any, Protocol

from asyncmy.cursors import SSCursor
from tortoise.exceptions import OperationalError

from server.models.database import Database, DatabaseParameters
from server.models.schema.migration_file import number_of
from server.models.schema.mysql_connection import connect_beside_pool

ROWS_PER_BATCH = 500
# Migrations create and fill these.
SKIPPED = frozenset({"aerich", "schema_state"})

Row = Sequence[Any]


class TableReader(Protocol):
    """All tables at one moment."""

    async def query(self, sql: str) -> list[Row]:
        """Return the rows of a statement."""
        ...

    def batches(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[Row]]:
        """Yield all rows of a table."""
        ...

    async def list_columns(self) -> dict[str, list[str]]:
        """Return the columns of each table that a copy has, both in order."""
        ...


async def read_schema_number(reader: TableReader) -> int:
    """Return the number of the newest migration in the snapshot."""
    return max(number_of(str(row[0])) for row in await reader.query("SELECT version FROM aerich"))


async def read_installation_id(reader: TableReader) -> str:
    """Return the id of the installation in the snapshot; empty before its first start."""
    found = await reader.query("SELECT media_store_id FROM installation")
    return str(found[0][0]) if found else ""


async def has_users(database: Database) -> bool:
    """Return whether the database has an account; False if it was never migrated."""
    try:
        return bool(await database.rows("SELECT id FROM users LIMIT 1"))
    except OperationalError:
        return False


async def count_rows(database: Database, table: str) -> int:
    """Return the number of rows of a table, whose name must be a known one."""
    (row,) = await database.rows(f"SELECT COUNT(*) AS found FROM {table}")
    return row["found"]


class _SqliteReader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def query(self, sql: str) -> list[Row]:
        return await asyncio.to_thread(lambda: self._connection.execute(sql).fetchall())

    async def batches(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[Row]]:
        names = ", ".join(f'"{column}"' for column in columns)
        cursor = await asyncio.to_thread(self._connection.execute, f'SELECT {names} FROM "{table}"')
        while rows := await asyncio.to_thread(cursor.fetchmany, ROWS_PER_BATCH):
            yield rows

    async def list_columns(self) -> dict[str, list[str]]:
        names = await self.query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
        )
        return {
            name: [row[0] for row in await self.query(f"SELECT name FROM pragma_table_info('{name}')")]
            for (name,) in names
            if name not in SKIPPED
        }


class _MysqlReader:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def query(self, sql: str) -> list[Row]:
        async with self._connection.cursor() as cursor:
            await cursor.execute(sql)
            return list(await cursor.fetchall())

    async def batches(self, table: str, columns: Sequence[str]) -> AsyncIterator[list[Row]]:
        names = ", ".join(f"`{column}`" for column in columns)
        async with self._connection.cursor(SSCursor) as cursor:
            await cursor.execute(f"SELECT {names} FROM `{table}`")
            while rows := await cursor.fetchmany(ROWS_PER_BATCH):
                yield list(rows)

    async def list_columns(self) -> dict[str, list[str]]:
        tables: dict[str, list[str]] = {}
        for table, column in await self.query(
            "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
            " ORDER BY TABLE_NAME, ORDINAL_POSITION"
        ):
            if table not in SKIPPED:
                tables.setdefault(table, []).append(column)
        return tables


@asynccontextmanager
async def open_reader(where: DatabaseParameters) -> AsyncGenerator[TableReader]:
    """Open a snapshot of the database, which may be in use."""
    if where.file is not None:
        connection = sqlite3.connect(
            f"{where.file.absolute().as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        with closing(connection):
            connection.execute("BEGIN")
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()  # takes the snapshot
            yield _SqliteReader(connection)
        return
    server = await connect_beside_pool(where)
    try:
        async with server.cursor() as cursor:
            await cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        yield _MysqlReader(server)
    finally:
        server.close()


class TableWriter(Protocol):
    """Fills tables regardless of the order that foreign keys require."""

    async def clear(self, table: str) -> None:
        """Delete all rows of a table."""
        ...

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert and commit some rows."""
        ...


class _SqliteWriter:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def clear(self, table: str) -> None:
        """Do nothing: the file is a new one."""

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        names, values = ", ".join(f'"{column}"' for column in columns), ", ".join("?" * len(columns))

        def insert() -> None:
            with self._connection:
                self._connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({values})', rows)

        await asyncio.to_thread(insert)


class _MysqlWriter:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def clear(self, table: str) -> None:
        async with self._connection.cursor() as cursor:
            await cursor.execute(f"TRUNCATE TABLE `{table}`")

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        names, values = ", ".join(f"`{column}`" for column in columns), ", ".join(["%s"] * len(columns))
        async with self._connection.cursor() as cursor:
            await cursor.executemany(f"INSERT INTO `{table}` ({names}) VALUES ({values})", list(rows))
        await self._connection.commit()


@asynccontextmanager
async def open_writer(where: DatabaseParameters) -> AsyncGenerator[TableWriter]:
    """Open a connection that fills a database which has the right schema."""
    if where.file is not None:
        connection = sqlite3.connect(where.file, check_same_thread=False)
        with closing(connection):
            connection.execute("PRAGMA foreign_keys = OFF")
            yield _SqliteWriter(connection)
        return
    server = await connect_beside_pool(where)
    try:
        async with server.cursor() as cursor:
            await cursor.execute("SET SESSION foreign_key_checks = 0")
        yield _MysqlWriter(server)
    finally:
        server.close()
