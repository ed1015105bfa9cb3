"""Contents of the startup banner: addresses and dependencies."""

from pathlib import Path

from server.assembly.redis import external_redis_url, redact_url
from server.settings import Settings


def addresses(settings: Settings, port: int, *, serves: bool) -> dict[str, str]:
    """Return where to reach the process. `serves` is False for a worker; `port` 0 means that it does not listen."""
    address = f"http://{settings.app.host}:{port}"
    if serves:
        return {"listening": address, **({"API docs": f"{address}/api"} if settings.docs else {})}
    return {"health, metrics": address} if port else {}


def dependencies(settings: Settings, var: Path) -> dict[str, str]:
    """Return the dependencies of the process, by name."""
    return {
        "database": _database(settings),
        "redis": "embedded Valkey" if settings.embedded_redis else redact_url(external_redis_url(settings)),
        "email": _email(settings),
        "push": _push(settings),
        "data": str(var),
    }


def _database(settings: Settings) -> str:
    if settings.embedded_database:
        return "embedded SQLite"
    database = settings.database
    return f"MySQL at {database.host}:{database.port}, database {database.name}"


def _email(settings: Settings) -> str:
    if settings.writes_emails_to_outbox:
        return "files in the outbox"
    return f"SMTP at {settings.email.host}:{settings.email.port}"


def _push(settings: Settings) -> str:
    if settings.sends_pushes_to_firebase:
        return f"Firebase, project {settings.push.project_id}"
    return (
        "files in the outbox" if settings.writes_pushes_to_outbox else "off: FIREBASE_PROJECT_ID is not set"
    )
