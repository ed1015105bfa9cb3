"""MySQL and MariaDB client for Tortoise: bounded waits, and no pooled connection in an unknown state."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar, cast

from asyncmy import errors
from asyncmy.constants.CLIENT import FOUND_ROWS
from tortoise.backends.base.client import PoolConnectionWrapper, TransactionalDBClient, TransactionContext
from tortoise.backends.mysql.client import MySQLClient, TransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import DBConnectionError, IntegrityError, OperationalError

from server.errors import Unavailable
from server.models.engines.mysql_errors import (
    DUPLICATE_KEY,
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
    shield_until_done,
)

Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])

# READ COMMITTED: claims and counters must see the newest rows, and gap locks would make likes deadlock.
INIT_COMMAND = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"


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

    def __init__(self, *, timeout_s: float = 3.0, **kwargs: Any) -> None:
        # FOUND_ROWS: an update counts matched rows, as in SQLite, not only changed ones.
        super().__init__(
            **kwargs, connect_timeout=timeout_s, init_command=INIT_COMMAND, client_flag=FOUND_ROWS
        )
        self.timeout_s = timeout_s

    def acquire_connection(self) -> Any:
        return _PooledConnection(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContext:
        return _Transaction(_TransactionClient(self), self)

    execute_insert = translate_mysql_errors(MySQLClient.execute_insert)
    execute_many = translate_mysql_errors(MySQLClient.execute_many)
    execute_query = translate_mysql_errors(MySQLClient.execute_query)
    execute_script = translate_mysql_errors(MySQLClient.execute_script)


class _PooledConnection(PoolConnectionWrapper[Any]):
    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        # After a cancellation the server may still send an answer, which the next user of the connection would get.
        # After a failover, only a new connection reaches the server that accepts writes.
        answered = exc_type is not None and issubclass(exc_type, errors.MySQLError)
        if exc_type is not None and (not answered or unavailable_reason(exc_val) is not None):
            cast("Any", self.connection).close()
        await super().__aexit__(exc_type, exc_val, exc_tb)


class _TransactionClient(TransactionWrapper):
    def __init__(self, connection: PooledClient) -> None:
        super().__init__(connection)
        self.timeout_s = connection.timeout_s

    execute_insert = translate_mysql_errors(TransactionWrapper.execute_insert)
    execute_many = translate_mysql_errors(TransactionWrapper.execute_many)
    execute_query = translate_mysql_errors(TransactionWrapper.execute_query)
    execute_script = translate_mysql_errors(TransactionWrapper.execute_script)
    begin = translate_mysql_errors(TransactionWrapper.begin)
    _commit = translate_mysql_errors(TransactionWrapper.commit)
    rollback = translate_mysql_errors(TransactionWrapper.rollback)

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
        except BaseException:
            await self._release(broken=True)
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
        return pool, await pool.acquire()

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        broken = True
        try:
            if exc_type is None:
                await shield_until_done(self._client.commit())
                broken = False
            elif issubclass(exc_type, Exception) and unavailable_reason(exc_val) is None:
                try:
                    await shield_until_done(self._client.rollback())
                    broken = False
                except Exception:  # noqa: BLE001
                    # Report the error that ended the transaction; closing the connection rolls it back.
                    broken = True
        finally:
            get_connections().reset(self._token)
            await self._release(broken)

    async def _release(self, broken: bool) -> None:
        if broken:
            self._connection.close()
        await self._pool.release(self._connection)


client_class = PooledClient
