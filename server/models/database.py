"""Database connection, transactions, and raw SQL with `?` placeholders for SQLite and MySQL.

Tables and their repositories are in the packages beside this module; `services/jobs/unit_of_work.py` decides what is
committed together.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tortoise import Tortoise, connections
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from server.database_metrics import DatabaseMetrics
from server.errors import ConfigurationError
from server.models.database_parameters import (
    ALIAS,
    REPLICA_ALIAS,
    DatabaseParameters,
    Dialect,
    explain_connect_error,
)
from server.models.engines.safety import DuplicateKey, SerializationFailure
from server.models.replicas import Replica, Replicas

if TYPE_CHECKING:
    from server.models.engines.mysql import PooledClient

__all__ = ["Database", "DatabaseParameters", "DuplicateKey", "IntegrityError", "SerializationFailure"]

Result = TypeVar("Result")

# The database clock in milliseconds since the epoch, so that processes whose clocks differ agree on what is due.
NOW_MS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "mysql": "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)",
}


class Database:
    """The database of this process. Only one can be open at a time."""

    def __init__(self, parameters: DatabaseParameters, metrics: DatabaseMetrics | None = None) -> None:
        self._metrics = metrics
        self.parameters = parameters
        self.dialect: Dialect = parameters.dialect
        self.now_ms = NOW_MS[self.dialect]
        self.replicas = Replicas((), self.rows, parameters.replica_wait_s)

    async def open(self, *, migrating: bool = False) -> None:
        """Connect. Raises ConfigurationError, saying what is wrong and what to do."""
        if self.parameters.file is not None:
            self.parameters.file.parent.mkdir(parents=True, exist_ok=True)
        # Keyed by the connection name only: it would return statements of a dialect that was open before.
        EXECUTOR_CACHE.clear()
        config = self.parameters.tortoise_config(migrating=migrating, metrics=self._metrics)
        await Tortoise.init(config=config, _enable_global_fallback=True)
        try:
            await self.ping()
        except Exception as error:
            await Tortoise.close_connections()
            raise ConfigurationError(explain_connect_error(self.parameters, error)) from error
        try:
            await self._open_replicas()
        except BaseException:
            await Tortoise.close_connections()
            raise

    async def _open_replicas(self) -> None:
        if not self.parameters.replicas:
            return
        replicas = [
            Replica(f"{host}:{port}", cast("PooledClient", connections.get(f"{REPLICA_ALIAS}{number}")))
            for number, (host, port) in enumerate(self.parameters.replicas)
        ]
        self.replicas = Replicas(replicas, self.rows, self.parameters.replica_wait_s)
        if self._metrics is not None:
            self._metrics.replicas_left_out = lambda: len(self.replicas.left_out)
        await self.replicas.validate_primary(f"{self.parameters.host}:{self.parameters.port}")

    async def close(self) -> None:
        await Tortoise.close_connections()

    async def ping(self) -> None:
        """Raise Unavailable if the database does not answer in time."""
        await self.rows("SELECT 1")

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """Open a transaction that every query of this task joins. Tasks started inside must end inside."""
        return in_transaction(ALIAS)

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a SELECT with `?` placeholders."""
        connection = connections.get(ALIAS)
        return await connection.execute_query_dict(self._to_dialect(sql), list(parameters))

    async def list_rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of a SELECT for a list, from a replica if there is one; the same rows as `rows`."""
        if self.replicas.all and not isinstance(connections.get(ALIAS), TransactionalDBClient):
            rows = await self.replicas.rows(self._to_dialect(sql), parameters)
            if rows is not None:
                return rows
        return await self.rows(sql, parameters)

    async def is_read_only(self) -> bool:
        """Return whether the server refuses writes, as a replica does."""
        if self.dialect == "sqlite":
            return False
        (row,) = await self.rows("SELECT @@global.read_only AS read_only")
        return row["read_only"] not in (0, "OFF")

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a write with `?` placeholders and return how many rows it matched."""
        connection = connections.get(ALIAS)
        changed, _ = await connection.execute_query(self._to_dialect(sql), list(parameters))
        return changed

    @contextmanager
    def statement_timeout(self, timeout_s: float) -> Iterator[None]:
        """Allow statements to take up to `timeout_s`, such as a migration of a large table."""
        client: Any = connections.get(ALIAS)
        previous, client.timeout_s = client.timeout_s, timeout_s
        try:
            yield
        finally:
            client.timeout_s = previous

    def _to_dialect(self, sql: str) -> str:
        return _percent_placeholders(sql) if self.dialect == "mysql" else sql

    @property
    def for_update(self) -> str:
        """The clause that locks the rows of a SELECT; empty for SQLite, whose transactions lock the whole file."""
        return " FOR UPDATE" if self.dialect == "mysql" else ""

    @property
    def join_in_order(self) -> str:
        """The join that reads the table on its left first, so that rows are locked in its order."""
        return "STRAIGHT_JOIN" if self.dialect == "mysql" else "CROSS JOIN"

    def force_index(self, name: str) -> str:
        """Return the hint to read a table by an index; empty for SQLite, which chooses it by itself.

        MariaDB reads a list of one user by the primary key, or by the table that it is joined with, if it expects to
        find enough rows soon: 0.6 s for a page of 100,000 likes, in place of 3 ms.
        """
        return f" FORCE INDEX ({name})" if self.dialect == "mysql" else ""


async def retry_on_deadlock(statement: Callable[[], Awaitable[Result]], max_attempts: int = 5) -> Result:
    """Run one auto-committed statement, retrying on deadlock or lock timeout."""
    for attempt in range(1, max_attempts):
        try:
            return await statement()
        except SerializationFailure:
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
    return await statement()


@lru_cache(maxsize=512)
def _percent_placeholders(sql: str) -> str:
    return sql.replace("?", "%s")


def placeholders(count: int) -> str:
    """Return `?, ?, ?` for an IN list of `count` values."""
    return ", ".join("?" * count)
