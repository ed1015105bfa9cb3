"""Progress of one migration: each statement is recorded so that a killed migration can be repeated from there.

SQLite runs a whole migration in one transaction. MySQL commits at every DDL statement, so there the statement that was
running when a process was killed may have been done: it is run again, and an error that says "already done" is accepted
for this statement only. Changes of rows are committed together with the record of them.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from asyncmy import errors

from server.errors import ConfigurationError
from server.models.database import Database
from server.models.engines.mysql_errors import SERIALIZATION_FAILURES, error_number
from server.models.schema.migration_file import BATCHES, Direction
from server.models.schema.mysql_connection import connect_beside_pool
from server.models.schema.schema_state import ROW_ID, SchemaState

APP = "models"
STATEMENT_TIMEOUT_S = 3600.0
# A change of a table waits for the transactions that use it, and everybody else waits behind it: it gives up soon, so
# that they go on, and tries again.
TABLE_WAIT_S = 5
TABLE_ATTEMPTS = 60
# Table, column or index exists; column, key or table does not; foreign key exists.
ALREADY_DONE = {1050, 1060, 1061, 1091, 1054, 1051, 1146, 1826, 1022, 121}
ALGORITHM_UNSUPPORTED = {1845, 1846, 1221, 1064}
LOCK_WAIT = 1205
RETRIED = {LOCK_WAIT, *SERIALIZATION_FAILURES}


@dataclass(frozen=True, slots=True)
class Step:
    """A migration with its statements in one direction, and the compatibility of the schema after it."""

    migration: str
    direction: Direction
    statements: Sequence[str]
    compatible_from: int


class Progress(Protocol):
    """Runs the statements of a migration."""

    async def run(self, step: Step, state: SchemaState) -> None:
        """Run the statements that `state` does not record."""
        ...


def _final_record(step: Step) -> list[tuple[str, list[Any]]]:
    """Return the statements that record the end of a migration."""
    applied = (
        (
            "INSERT INTO aerich (version, app, content) VALUES (?, ?, ?)",
            [step.migration, APP, "{}"],
        ),
    )
    return [
        *(applied if step.direction == "up" else ()),
        (
            "UPDATE schema_state SET migration = '', step = 0, started = 0, compatible_from = ? WHERE id = ?",
            [step.compatible_from, ROW_ID],
        ),
    ]


class SqliteProgress:
    """One transaction per migration."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, step: Step, state: SchemaState) -> None:
        async with self._database.transaction():
            if step.direction == "down":
                await self._database.execute("DELETE FROM aerich WHERE version = ?", [step.migration])
            for statement in step.statements:
                while await self._database.execute(statement) and statement.startswith(BATCHES):
                    pass
            for sql, parameters in _final_record(step):
                await self._database.execute(sql, parameters)


class MysqlProgress:
    """A record per statement, on a separate connection."""

    def __init__(self, connection: Any, lease: str) -> None:
        self._connection = connection
        self._lease = lease

    async def run(self, step: Step, state: SchemaState) -> None:
        resumed = state.migration == step.migration
        first = state.step if resumed else 0
        if not resumed:
            await self._begin(step)
        for number, statement in enumerate(step.statements[first:], start=first):
            uncertain = resumed and number == first and state.started
            if _changes_rows(statement):
                await self._change_rows(statement, number)
                continue
            await self._record(number, started=True)
            try:
                await self._change_table(statement)
            except errors.MySQLError as error:
                if not (uncertain and error_number(error) in ALREADY_DONE):
                    await self._record(number, started=False)
                    raise
            await self._record(number + 1, started=False)
        await self._commit(_final_record(step))

    async def _begin(self, step: Step) -> None:
        begin = [
            (
                "UPDATE schema_state SET migration = ?, direction = ?, step = 0, started = 0 WHERE id = ?",
                [step.migration, step.direction, ROW_ID],
            )
        ]
        if step.direction == "down":
            # First, so that no process starts on a schema that is half undone.
            begin.append(("DELETE FROM aerich WHERE version = ?", [step.migration]))
        await self._commit(begin)

    async def _record(self, done: int, *, started: bool) -> None:
        await self._commit(
            [("UPDATE schema_state SET step = ?, started = ? WHERE id = ?", [done, int(started), ROW_ID])]
        )

    async def _change_rows(self, statement: str, number: int) -> None:
        """Run a change of rows and record it, in one transaction; in batches if it says so."""
        while statement.startswith(BATCHES) and await self._commit([(statement, [])]):
            pass
        await self._commit(
            [
                (statement, []),
                ("UPDATE schema_state SET step = ?, started = 0 WHERE id = ?", [number + 1, ROW_ID]),
            ]
        )

    async def _change_table(self, statement: str) -> None:
        """Run DDL with the least locking that the server offers for it."""
        for variant in _variants(statement):
            try:
                await self._run_ddl(variant)
            except errors.MySQLError as error:
                if variant == statement or error_number(error) not in ALGORITHM_UNSUPPORTED:
                    raise
            else:
                return

    async def _run_ddl(self, statement: str) -> None:
        for attempt in range(TABLE_ATTEMPTS):
            try:
                async with asyncio.timeout(STATEMENT_TIMEOUT_S), self._connection.cursor() as cursor:
                    await cursor.execute(statement)
            except errors.MySQLError as error:
                if error_number(error) not in RETRIED or attempt == TABLE_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def _commit(self, statements: Sequence[tuple[str, list[Any]]]) -> int:
        """Run statements in a transaction while the lease is ours. Return how many rows the first one matched."""
        for attempt in range(TABLE_ATTEMPTS):
            try:
                return await self._try_commit(statements)
            except errors.MySQLError as error:
                await self._connection.rollback()
                if error_number(error) not in RETRIED or attempt == TABLE_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.1)
        raise AssertionError  # the loop returns or raises

    async def _try_commit(self, statements: Sequence[tuple[str, list[Any]]]) -> int:
        matched: list[int] = []
        async with asyncio.timeout(STATEMENT_TIMEOUT_S), self._connection.cursor() as cursor:
            await self._connection.begin()
            for sql, parameters in statements:
                # Without parameters no character of the statement has a meaning for the driver.
                matched.append(
                    await cursor.execute(sql.replace("?", "%s") if parameters else sql, parameters or None)
                )
            await cursor.execute("SELECT lease FROM schema_state WHERE id = %s FOR UPDATE", (ROW_ID,))
            row = await cursor.fetchone()
            if row is None or row[0] != self._lease:
                await self._connection.rollback()
                raise ConfigurationError(
                    "Another process took over the migration: wait for it, then run `python run.py migrate --check`."
                )
            await self._connection.commit()
        return matched[0]


def _changes_rows(statement: str) -> bool:
    return statement.removeprefix(BATCHES).lstrip().upper().startswith(("UPDATE", "INSERT", "DELETE"))


def _variants(statement: str) -> list[str]:
    """Return the statement with clauses against long locks, the strictest first, and as it is last."""
    if not statement.upper().startswith("ALTER TABLE"):
        return [statement]
    return [f"{statement}, ALGORITHM=INSTANT", f"{statement}, ALGORITHM=INPLACE, LOCK=NONE", statement]


@asynccontextmanager
async def open_progress(database: Database, lease: str) -> AsyncGenerator[Progress]:
    """Open what runs the statements of migrations on `database`, while `lease` is held."""
    if database.dialect == "sqlite":
        yield SqliteProgress(database)
        return
    connection = await connect_beside_pool(
        database.parameters, f"SET SESSION lock_wait_timeout = {TABLE_WAIT_S}"
    )
    try:
        yield MysqlProgress(connection, lease)
    finally:
        connection.close()
