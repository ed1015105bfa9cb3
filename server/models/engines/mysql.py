"""MySQL and MariaDB client for Tortoise: bounded waits, and no pooled connection in an unknown state."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar, cast

from asyncmy import errors
from asyncmy.constants.CLIENT import FOUND_ROWS
from asyncmy.cursors import DictCursor
from tortoise.backends.base.client import PoolConnectionWrapper, TransactionalDBClient, TransactionContext
from tortoise.backends.mysql.client import MySQLClient, TransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import DBConnectionError, IntegrityError, OperationalError

from server.database_metrics import DatabaseMetrics, PoolState
from server.errors import Unavailable
from server.models.engines.measurement import measured
from server.models.engines.mysql_errors import (
    DUPLICATE_KEY,
    FAILED_OVER,
    READ_ONLY,
    SERIALIZATION_FAILURES,
    error_number,
    unavailable_reason,
)
from server.models.engines.safety import (
    DuplicateKey,
    OutcomeUnknown,
    SerializationFailure,
    database_unavailable,
    retried,
    shield_until_done,
)

Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])

# READ COMMITTED: claims and counters must see the newest rows, and gap locks would make likes deadlock.
INIT_COMMAND = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
# A node of a Galera cluster applies what the others committed a little later. With this, a read waits until it has
# what was committed anywhere before the read began, and the program may use all nodes like one server.
GALERA_INIT_COMMAND = f"BEGIN NOT ATOMIC {INIT_COMMAND}; SET SESSION wsrep_sync_wait = 1; END"


def translate_mysql_errors(method: Method) -> Method:
    """Bound a statement by the client's timeout, and translate errors to those that services know."""

    @wraps(method)
    async def wrapper(self: Any, *args: Any) -> Any:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await method(self, *args)
        except TimeoutError as error:
            raise database_unavailable(f"no answer within {self.timeout_s:g} s") from error
        except IntegrityError as error:
            if error_number(error) == DUPLICATE_KEY:
                raise DuplicateKey(*error.args) from error
            raise
        except (DBConnectionError, OperationalError, errors.MySQLError) as error:
            if error_number(error) in SERIALIZATION_FAILURES:
                raise SerializationFailure(
                    reason="The database is busy with the same rows; try again."
                ) from error
            reason = unavailable_reason(error)
            if reason is None and isinstance(error, DBConnectionError | errors.InterfaceError):
                reason = "the connection was lost"
            if reason is not None:
                raise database_unavailable(reason) from error
            raise
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            raise database_unavailable("the connection was lost") from error
        except RuntimeError as error:
            if "closing pool" in str(error):
                raise database_unavailable("the pool is closing") from error
            raise

    return wrapper  # pyright: ignore[reportReturnType] - the wrapper has the method's own signature


class PooledClient(MySQLClient):
    """A connection pool; `timeout_s` bounds the checkout of a connection and every statement."""

    system = "mysql"

    def __init__(
        self, *, timeout_s: float = 3.0, metrics: DatabaseMetrics | None = None, **kwargs: Any
    ) -> None:
        # FOUND_ROWS: an update counts matched rows, as in SQLite, not only changed ones.
        super().__init__(
            **kwargs, connect_timeout=timeout_s, init_command=INIT_COMMAND, client_flag=FOUND_ROWS
        )
        self.timeout_s = timeout_s
        self.metrics = metrics or DatabaseMetrics()
        self.metrics.watch_pool(self._pool_state)
        self._outdated: set[Any] = set()

    async def create_connection(self, with_db: bool) -> None:
        await super().create_connection(with_db)
        pool: Any = self._pool
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute("SHOW GLOBAL VARIABLES LIKE 'wsrep_on'")
            row = await cursor.fetchone()
            if row is not None and row[1] == "ON":
                pool._conn_kwargs["init_command"] = GALERA_INIT_COMMAND
                await cursor.execute(GALERA_INIT_COMMAND)

    @translate_mysql_errors
    async def rows_after(
        self, position: str, wait_s: float, sql: str, parameters: Sequence[Any]
    ) -> list[dict[str, Any]] | None:
        """Return rows once this replica has applied a position (GTID); None if it has not within `wait_s`."""
        async with self.acquire_connection() as connection, connection.cursor(DictCursor) as cursor:
            await cursor.execute("SELECT MASTER_GTID_WAIT(%s, %s) AS waited", [position, wait_s])
            if (await cursor.fetchone())["waited"] != 0:
                return None
            await cursor.execute(sql, list(parameters) or None)
            return list(await cursor.fetchall())

    def is_usable(self, connection: Any, error: BaseException | None) -> bool:
        """Return whether a connection may be used again after a statement that ended with `error`, if any.

        If the server has failed over, the idle connections are closed, and those in use become unusable: each would
        cost another request. Only new connections reach the server that accepts writes.
        """
        pool: Any = self._pool
        if error_number(error) in FAILED_OVER and pool is not None:
            while pool._free:
                pool._free.popleft().close()
            self._outdated |= pool._used
        outdated = connection in self._outdated
        self._outdated.discard(connection)
        return not outdated and unavailable_reason(error) is None

    def _pool_state(self) -> PoolState:
        pool: Any = self._pool
        if pool is None:
            return PoolState(self.pool_maxsize, 0, 0)
        return PoolState(pool.maxsize, pool.size, len(pool._used))

    def acquire_connection(self) -> Any:
        return _PooledConnection(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(_TransactionClient(self), self)

    execute_insert = retried(measured(translate_mysql_errors(MySQLClient.execute_insert)))
    execute_many = retried(measured(translate_mysql_errors(MySQLClient.execute_many)))
    execute_query = retried(measured(translate_mysql_errors(MySQLClient.execute_query)))
    execute_script = measured(translate_mysql_errors(MySQLClient.execute_script))


class _PooledConnection(PoolConnectionWrapper[Any]):
    async def __aenter__(self) -> Any:
        metrics = cast("PooledClient", self.client).metrics
        metrics.waiting += 1
        try:
            return await super().__aenter__()
        finally:
            metrics.waiting -= 1

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        # After a cancellation the server may still send an answer, which the next user of the connection would get.
        answered = exc_type is None or issubclass(exc_type, errors.MySQLError)
        client = cast("PooledClient", self.client)
        if not client.is_usable(self.connection, exc_val) or not answered:
            cast("Any", self.connection).close()
        await super().__aexit__(exc_type, exc_val, exc_tb)


class _TransactionClient(TransactionWrapper):
    def __init__(self, connection: PooledClient) -> None:
        super().__init__(connection)
        self.timeout_s = connection.timeout_s
        self.metrics, self.system = connection.metrics, connection.system

    execute_insert = measured(translate_mysql_errors(TransactionWrapper.execute_insert))
    execute_many = measured(translate_mysql_errors(TransactionWrapper.execute_many))
    execute_query = measured(translate_mysql_errors(TransactionWrapper.execute_query))
    execute_script = measured(translate_mysql_errors(TransactionWrapper.execute_script))
    begin = measured(translate_mysql_errors(TransactionWrapper.begin), "begin")
    _commit = measured(translate_mysql_errors(TransactionWrapper.commit), "commit")
    rollback = measured(translate_mysql_errors(TransactionWrapper.rollback), "rollback")

    async def commit(self) -> None:
        """Commit. Raises OutcomeUnknown if the server may have committed without saying so."""
        try:
            await self._commit()
        except SerializationFailure:
            raise
        except Unavailable as error:
            if error_number(error) in READ_ONLY:
                raise
            raise OutcomeUnknown(error.reason) from error


class _Transaction(TransactionContext):
    def __init__(self, client: _TransactionClient, parent: PooledClient) -> None:
        self._client = client
        self._parent = parent

    async def __aenter__(self) -> TransactionalDBClient:
        self._pool, self._connection = await self._acquire()
        self._client._connection = self._connection
        try:
            await self._client.begin()
        except BaseException as error:
            await self._release(error, completed=False)
            raise
        self._token = get_connections().set(self._parent.connection_name, self._client)
        return self._client

    @property
    def timeout_s(self) -> float:
        return self._parent.timeout_s

    @translate_mysql_errors
    async def _acquire(self) -> tuple[Any, Any]:
        if self._parent._pool is None:
            async with self._parent._pool_init_lock:
                if self._parent._pool is None:
                    await self._parent.create_connection(with_db=True)
        pool = self._parent._pool
        assert pool is not None
        metrics = self._parent.metrics
        metrics.waiting += 1
        try:
            return pool, await pool.acquire()
        finally:
            metrics.waiting -= 1

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        failure, completed = exc_val, False
        try:
            if exc_type is None:
                await shield_until_done(self._client.commit())
                completed = True
            elif issubclass(exc_type, Exception) and unavailable_reason(exc_val) is None:
                # Report the error that ended the transaction; closing the connection rolls it back.
                with suppress(Exception):
                    await shield_until_done(self._client.rollback())
                    completed = True
        except BaseException as error:
            failure = error
            raise
        finally:
            get_connections().reset(self._token)
            await self._release(failure, completed)

    async def _release(self, failure: BaseException | None, completed: bool) -> None:
        """Return the connection to the pool, closed unless the transaction ended with an answer."""
        if not self._parent.is_usable(self._connection, failure) or not completed:
            self._connection.close()
        await self._pool.release(self._connection)


client_class = PooledClient
