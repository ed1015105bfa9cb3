"""Location of the database, Tortoise's configuration for it, and what a failed connection means."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any, Literal

from server.database_metrics import DatabaseMetrics
from server.errors import Unavailable
from server.models.engines.mysql_errors import error_number
from server.models.engines.mysql_tls import TlsParameters, create_context, explain_denied, explain_tls_error

Dialect = Literal["sqlite", "mysql"]
ALIAS = "default"
REPLICA_ALIAS = "replica"
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
    replicas: Sequence[tuple[str, int]] = ()
    replica_wait_s: float = 0.1

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
            connection = self._mysql_connection(self.host, self.port, metrics)
        modules = [*MODULES, "aerich.models"] if migrating else MODULES
        return {
            "connections": {
                ALIAS: connection,
                **{
                    f"{REPLICA_ALIAS}{number}": self._mysql_connection(*address)
                    for number, address in enumerate(self.replicas)
                },
            },
            "apps": {"models": {"models": modules, "default_connection": ALIAS}},
            "use_tz": False,
        }

    def _mysql_connection(
        self, host: str, port: int, metrics: DatabaseMetrics | None = None
    ) -> dict[str, Any]:
        return {
            "engine": "server.models.engines.mysql",
            "credentials": {
                "host": host,
                "port": port,
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


def explain_connect_error(parameters: DatabaseParameters, error: Exception) -> str:
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
