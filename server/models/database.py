"""The door to the database: opening and closing it, transactions, raw statements in one spelling for both dialects.

Tables live in the files beside this one; who commits what together is decided by `services/jobs/unit_of_work.py`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from tortoise import Tortoise, connections
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from server.errors import ConfigurationError, Unavailable
from server.models.engines.mysql import error_number
from server.models.engines.safety import DuplicateKey, SerializationFailure

__all__ = ["Database", "DatabaseParameters", "DuplicateKey", "IntegrityError", "SerializationFailure"]

Result = TypeVar("Result")

Dialect = Literal["sqlite", "mysql"]
ALIAS = "default"
MODULES = [
    "server.models.accounts.users",
    "server.models.accounts.sessions",
    "server.models.accounts.password_resets",
    "server.models.jobs.idempotency_keys",
    "server.models.content.posts",
    "server.models.content.comments",
    "server.models.content.likes",
    "server.models.people.follows",
    "server.models.notifications.notifications",
    "server.models.notifications.inboxes",
    "server.models.notifications.preferences",
    "server.models.notifications.devices",
    "server.models.jobs.jobs",
    "server.models.jobs.queue_states",
    "server.models.jobs.schedules",
    "server.models.jobs.nodes",
]

# The database's own clock, in milliseconds since the epoch: processes whose clocks differ agree on what is due.
NOW_MS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "mysql": "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)",
}


@dataclass(frozen=True, slots=True)
class DatabaseParameters:
    """Where the database is: a SQLite file, or the host of a MySQL or MariaDB server."""

    file: Path | None = None
    host: str = ""
    port: int = 3306
    username: str = ""
    password: str = ""
    name: str = ""
    pool_size: int = 10
    timeout_s: float = 3.0

    @property
    def dialect(self) -> Dialect:
        return "mysql" if self.file is None else "sqlite"

    def tortoise_config(self, *, migrating: bool = False) -> dict[str, Any]:
        """Tortoise's configuration, with our own safe engines; with aerich's own table for `migrating` alone.

        Its model cannot be had without aerich's command line, which costs 0.05 s.
        """
        if self.file is not None:
            connection: dict[str, Any] = {
                "engine": "server.models.engines.sqlite",
                "credentials": {
                    "file_path": str(self.file),
                    "timeout_s": self.timeout_s,
                    "synchronous": "NORMAL",
                    # Below the bound of a turn: a writer in another process must not keep readers here waiting.
                    "busy_timeout": int(self.timeout_s * 800),
                    "journal_size_limit": 67_108_864,
                },
            }
        else:
            connection = {
                "engine": "server.models.engines.mysql",
                "credentials": {
                    "host": self.host,
                    "port": self.port,
                    "user": self.username,
                    "password": self.password,
                    "database": self.name,
                    "charset": "utf8mb4",
                    "minsize": 1,
                    "maxsize": self.pool_size,
                    "timeout_s": self.timeout_s,
                },
            }
        modules = [*MODULES, "aerich.models"] if migrating else MODULES
        return {
            "connections": {ALIAS: connection},
            "apps": {"models": {"models": modules, "default_connection": ALIAS}},
            "use_tz": False,
        }


class Database:
    """The one database of this process."""

    def __init__(self, parameters: DatabaseParameters) -> None:
        self.parameters = parameters
        self.dialect: Dialect = parameters.dialect
        self.now_ms = NOW_MS[self.dialect]

    async def open(self, *, migrating: bool = False) -> None:
        """Connect once. Raises ConfigurationError with a sentence that says what is wrong and what to do."""
        if self.parameters.file is not None:
            self.parameters.file.parent.mkdir(parents=True, exist_ok=True)
        # Keyed by the connection's name alone: it would give this dialect the statements of the one opened before.
        EXECUTOR_CACHE.clear()
        config = self.parameters.tortoise_config(migrating=migrating)
        await Tortoise.init(config=config, _enable_global_fallback=True)
        try:
            await self.ping()
        except Exception as error:
            await Tortoise.close_connections()
            raise ConfigurationError(_why_not(self.parameters, error)) from error

    async def close(self) -> None:
        await Tortoise.close_connections()

    async def ping(self) -> None:
        """Ask the database anything. Raises Unavailable if it does not answer in time."""
        await self.rows("SELECT 1")

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A transaction that every query of this task joins. Work that outlives it must not be spawned inside."""
        return in_transaction(ALIAS)

    async def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of a SELECT written with `?` for each parameter."""
        connection = connections.get(ALIAS)
        return await connection.execute_query_dict(self._spelled(sql), list(parameters))

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a writing statement written with `?` for each parameter; how many rows it changed."""
        connection = connections.get(ALIAS)
        changed, _ = await connection.execute_query(self._spelled(sql), list(parameters))
        return changed

    @contextmanager
    def patience(self, timeout_s: float) -> Iterator[None]:
        """Let statements that start meanwhile take up to `timeout_s`: a migration of a large table is no hang."""
        client: Any = connections.get(ALIAS)
        usual, client.timeout_s = client.timeout_s, timeout_s
        try:
            yield
        finally:
            client.timeout_s = usual

    def _spelled(self, sql: str) -> str:
        return _percent(sql) if self.dialect == "mysql" else sql

    @property
    def for_update(self) -> str:
        """The end of a SELECT that locks its rows; SQLite's transactions have the whole file to themselves."""
        return " FOR UPDATE" if self.dialect == "mysql" else ""


async def retry_on_deadlock(statement: Callable[[], Awaitable[Result]], tries: int = 5) -> Result:
    """Run one statement of its own, again when the database gave it up for another one's sake."""
    for attempt in range(1, tries):
        try:
            return await statement()
        except SerializationFailure:
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
    return await statement()


@lru_cache(maxsize=512)
def _percent(sql: str) -> str:
    return sql.replace("?", "%s")


def placeholders(count: int) -> str:
    """`?, ?, ?` for an IN list of `count` values."""
    return ", ".join("?" * count)


def _why_not(parameters: DatabaseParameters, error: Exception) -> str:
    if parameters.file is not None:
        return f"The database file {parameters.file} cannot be opened: {error}. Check that the folder is writable."
    where = f"{parameters.host}:{parameters.port}"
    match error_number(error):
        case 1045:
            return f"The database at {where} refused user {parameters.username!r}: check DB_USERNAME and DB_PASSWORD."
        case 1049:
            return f"The database at {where} has no database {parameters.name!r}: create it, or set DB_NAME."
        case 1044:
            who = f"User {parameters.username!r} may not use database {parameters.name!r} at {where}"
            return f"{who}: grant it, or set DB_NAME."
        case _:
            reason = _what_the_system_said(error)
            return f"No database answers at {where} ({reason}). Check DB_HOST and DB_PORT, and that it is running."


def _what_the_system_said(error: Exception) -> str:
    """The words of the operating system below `error`, whose own are meant for clients of a running program."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return "no answer in time" if isinstance(error, Unavailable) else str(error)
