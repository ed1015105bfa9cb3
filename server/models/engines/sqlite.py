"""SQLite client for Tortoise: BEGIN IMMEDIATE, bounded waits, no lock left behind by a cancelled transaction."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar, cast

from tortoise.backends.base.client import ConnectionWrapper, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, OperationalError

from server.database_metrics import DatabaseMetrics, PoolState
from server.models.engines.measurement import measured
from server.models.engines.safety import (
    DuplicateKey,
    SerializationFailure,
    database_unavailable,
    shield_until_done,
)

Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])


# Messages of SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_FULL and SQLITE_READONLY: the disk, not the statement.
UNAVAILABLE = (
    "disk I/O error",
    "unable to open database file",
    "database or disk is full",
    "attempt to write a readonly database",
)


def translate_sqlite_errors(method: Method) -> Method:
    """Translate SQLite's errors to those that services know."""

    @wraps(method)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return await method(*args, **kwargs)
        except IntegrityError as error:
            if "UNIQUE constraint failed" in str(error):
                raise DuplicateKey(*error.args) from error
            raise
        except (OperationalError, sqlite3.OperationalError) as error:
            text = str(error)
            if "locked" in text or "busy" in text:
                raise SerializationFailure(
                    reason="The database is busy with another writer; try again."
                ) from error
            if any(known in text for known in UNAVAILABLE):
                raise database_unavailable(text) from error
            raise

    return wrapper  # pyright: ignore[reportReturnType] - the wrapper has the method's own signature


class SharedConnectionClient(SqliteClient):
    """One connection, checked out by one task at a time; `timeout_s` bounds the checkout."""

    system = "sqlite"

    def __init__(
        self, file_path: str, timeout_s: float = 3.0, metrics: DatabaseMetrics | None = None, **kwargs: Any
    ) -> None:
        super().__init__(file_path, **kwargs)
        self.timeout_s = timeout_s
        self.metrics = metrics or DatabaseMetrics()
        self.metrics.watch_pool(
            lambda: PoolState(1, int(self._connection is not None), int(self._lock.locked()))
        )

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        return _ConnectionCheckout(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(_TransactionClient(self), self)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        # Tortoise leaves its own transaction open when it is cancelled.
        async with self._in_transaction() as client:
            await client.execute_many(query, values)

    execute_insert = measured(translate_sqlite_errors(SqliteClient.execute_insert))
    execute_query = measured(translate_sqlite_errors(SqliteClient.execute_query))
    execute_query_dict = measured(translate_sqlite_errors(SqliteClient.execute_query_dict))
    execute_script = measured(translate_sqlite_errors(SqliteClient.execute_script))


async def _check_out(client: SharedConnectionClient) -> None:
    client.metrics.waiting += 1
    try:
        async with asyncio.timeout(client.timeout_s):
            await client._lock.acquire()
    except TimeoutError as error:
        raise SerializationFailure(reason="The database is busy with another writer; try again.") from error
    finally:
        client.metrics.waiting -= 1


class _ConnectionCheckout(ConnectionWrapper[Any]):
    """The checkout of the connection for one statement outside a transaction."""

    async def __aenter__(self) -> Any:
        await _check_out(cast("SharedConnectionClient", self.client))
        try:
            await self.ensure_connection()
        except BaseException:
            self._lock.release()
            raise
        return self.connection


class _TransactionClient(SqliteTransactionWrapper):
    system = "sqlite"

    execute_insert = measured(translate_sqlite_errors(SqliteTransactionWrapper.execute_insert))
    execute_many = measured(translate_sqlite_errors(SqliteTransactionWrapper.execute_many))
    execute_query = measured(translate_sqlite_errors(SqliteTransactionWrapper.execute_query))
    execute_query_dict = measured(translate_sqlite_errors(SqliteTransactionWrapper.execute_query_dict))
    execute_script = measured(translate_sqlite_errors(SqliteTransactionWrapper.execute_script))

    commit = measured(translate_sqlite_errors(SqliteTransactionWrapper.commit), "commit")

    @translate_sqlite_errors
    async def _begin(self) -> None:
        # A deferred BEGIN takes the write lock at the first write, where 45 % of read-then-write transactions of two
        # processes failed. IMMEDIATE takes it at once, and busy_timeout waits for it.
        await self._connection.execute("BEGIN IMMEDIATE")

    begin = measured(_begin, "begin")

    @property
    def metrics(self) -> DatabaseMetrics:
        return cast("SharedConnectionClient", self._parent).metrics


class _Transaction(TransactionContext):
    def __init__(self, client: _TransactionClient, parent: SharedConnectionClient) -> None:
        self._client = client
        self._parent = parent

    async def __aenter__(self) -> TransactionalDBClient:
        await _check_out(self._parent)
        try:
            if self._parent._connection is None:
                await shield_until_done(self._parent.create_connection(with_db=True))
            assert self._parent._connection is not None
            self._client._connection = self._parent._connection
            try:
                await shield_until_done(self._client.begin())
            except asyncio.CancelledError:
                await self._roll_back()
                raise
        except BaseException:
            self._parent._lock.release()
            raise
        self._token = get_connections().set(self._parent.connection_name, self._client)
        return self._client

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        try:
            if exc_type is None:
                try:
                    await shield_until_done(self._client.commit())
                except asyncio.CancelledError:
                    raise
                except BaseException:
                    await self._roll_back()
                    raise
            else:
                await self._roll_back()
        finally:
            get_connections().reset(self._token)
            self._parent._lock.release()

    async def _roll_back(self) -> None:
        connection = self._parent._connection
        if connection is not None and connection.in_transaction:
            await shield_until_done(connection.rollback())


client_class = SharedConnectionClient
