"""Database connection, transactions, and raw SQL with `?` placeholders for SQLite and MySQL.

Tables and their repositories are in the packages beside this module; `services/jobs/unit_of_work.py` decides what is
committed together.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from ssl import SSLContext
from typing import Any, Literal, TypeVar

from tortoise import Tortoise, connections
from tortoise.backends.base.executor import EXECUTOR_CACHE
from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from server.database_metrics import DatabaseMetrics
from server.errors import ConfigurationError, Unavailable
from server.models.engines.mysql_errors import error_number
from server.models.engines.mysql_tls import (
    TlsParameters,
    create_context,
    explain_denied,
    explain_tls_error,
)
from server.models.engines.safety import DuplicateKey, SerializationFailure

__all__ = ["Database", "DatabaseParameters", "DuplicateKey", "IntegrityError", "SerializationFailure"]

Result = TypeVar("Result")

Dialect = Literal["sqlite", "mysql"]
ALIAS = "default"
MODULES = [
    "server.models.accounts.users",
    "server.models.accounts.former_usernames",
    "server.models.accounts.sessions",
    "server.models.accounts.email_tokens",
    "server.models.accounts.email_suppressions",
    "server.models.accounts.external_identities",
    "server.models.accounts.used_id_tokens",
    "server.models.accounts.second_factors",
    "server.models.accounts.recovery_codes",
    "server.models.accounts.sign_in_challenges",
    "server.models.accounts.passkeys",
    "server.models.accounts.used_passkey_challenges",
    "server.models.jobs.idempotency_keys",
    "server.models.content.places",
    "server.models.content.posts",
    "server.models.content.post_images",
    "server.models.content.post_versions",
    "server.models.content.tags",
    "server.models.content.media",
    "server.models.content.uploads",
    "server.models.content.drafts",
    "server.models.content.comments",
    "server.models.content.comment_likes",
    "server.models.content.comment_settings",
    "server.models.content.likes",
    "server.models.content.saves",
    "server.models.content.collections",
    "server.models.people.follows",
    "server.models.people.follow_requests",
    "server.models.people.blocks",
    "server.models.people.mutes",
    "server.models.people.close_friends",
    "server.models.people.restrictions",
    "server.models.discovery.place_posts",
    "server.models.people.dismissed_suggestions",
    "server.models.discovery.search_entries",
    "server.models.discovery.hashtags",
    "server.models.discovery.hashtag_follows",
    "server.models.discovery.recent_searches",
    "server.models.discovery.search_rebuilds",
    "server.models.explore.explore_candidates",
    "server.models.explore.rankings",
    "server.models.moderation.report_cases",
    "server.models.moderation.reports",
    "server.models.moderation.actions",
    "server.models.moderation.audit_chain",
    "server.models.moderation.appeals",
    "server.models.moderation.refused_pictures",
    "server.models.portability.exports",
    "server.models.portability.import_items",
    "server.models.moderation.content_filters",
    "server.models.notifications.notifications",
    "server.models.notifications.inboxes",
    "server.models.notifications.digests",
    "server.models.notifications.preferences",
    "server.models.notifications.devices",
    "server.models.jobs.jobs",
    "server.models.jobs.queue_states",
    "server.models.jobs.schedules",
    "server.models.jobs.nodes",
    "server.models.jobs.media_totals",
    "server.models.jobs.cache_generations",
    "server.models.jobs.installation",
]

# The database clock in milliseconds since the epoch, so that processes whose clocks differ agree on what is due.
NOW_MS = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "mysql": "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000)",
}


@dataclass(frozen=True, slots=True)
class DatabaseParameters:
    """Location of the database: a SQLite file, or a MySQL or MariaDB server."""

    file: Path | None = None
    host: str = ""
    port: int = 3306
    username: str = ""
    password: str = ""
    name: str = ""
    pool_size: int = 10
    timeout_s: float = 3.0
    tls: TlsParameters | None = None

    @property
    def dialect(self) -> Dialect:
        return "mysql" if self.file is None else "sqlite"

    def tls_context(self) -> SSLContext | None:
        """Return the context for TLS, or None to connect without. Raises ConfigurationError."""
        return None if self.tls is None else create_context(self.tls)

    def tortoise_config(
        self, *, migrating: bool = False, metrics: DatabaseMetrics | None = None
    ) -> dict[str, Any]:
        """Return Tortoise's configuration with our own engines, which record `metrics`.

        Only `migrating` includes aerich's table, whose model imports aerich's command line and takes 0.05 s.
        """
        if self.file is not None:
            connection: dict[str, Any] = {
                "engine": "server.models.engines.sqlite",
                "credentials": {
                    "file_path": str(self.file),
                    "timeout_s": self.timeout_s,
                    "metrics": metrics,
                    "synchronous": "NORMAL",
                    # Shorter than the checkout timeout: a writer in another process must not block readers here.
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
                    "metrics": metrics,
                    "ssl": self.tls_context(),
                },
            }
        modules = [*MODULES, "aerich.models"] if migrating else MODULES
        return {
            "connections": {ALIAS: connection},
            "apps": {"models": {"models": modules, "default_connection": ALIAS}},
            "use_tz": False,
        }


class Database:
    """The database of this process. Only one can be open at a time."""

    def __init__(self, parameters: DatabaseParameters, metrics: DatabaseMetrics | None = None) -> None:
        self._metrics = metrics
        self.parameters = parameters
        self.dialect: Dialect = parameters.dialect
        self.now_ms = NOW_MS[self.dialect]

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
            raise ConfigurationError(_explain_connect_error(self.parameters, error)) from error

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


def _explain_connect_error(parameters: DatabaseParameters, error: Exception) -> str:
    if parameters.file is not None:
        return (
            f"Cannot open the database file {parameters.file} ({error}): check that the folder is writable."
        )
    where = f"{parameters.host}:{parameters.port}"
    if parameters.tls is not None and (reason := explain_tls_error(parameters.tls, where, error)):
        return reason
    match error_number(error):
        case 1045:
            denied = (
                f"Access denied for {parameters.username!r} at {where}: check DB_USERNAME and DB_PASSWORD."
            )
            return denied + explain_denied(parameters.tls)
        case 3159:
            return f"The database at {where} requires TLS: set DB_SSL_CA, or DB_SSL_VERIFY=full for the system's CAs."
        case 1049:
            return f"No database {parameters.name!r} at {where}: create it, or set DB_NAME."
        case 1044:
            user = f"User {parameters.username!r} has no access to database {parameters.name!r} at {where}"
            return f"{user}: grant it, or set DB_NAME."
        case _:
            reason = _system_error(error)
            return f"No database answers at {where} ({reason}): check DB_HOST and DB_PORT, and that it runs."


def _system_error(error: Exception) -> str:
    """Return the operating system's message behind `error`, whose own message is meant for API clients."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return "no answer in time" if isinstance(error, Unavailable) else str(error)
