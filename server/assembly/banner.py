"""Contents of the startup banner: addresses and dependencies."""

from pathlib import Path

from server.assembly.redis import external_redis_url, redact_url
from server.gateways.addresses import address
from server.settings import Settings


def addresses(settings: Settings, port: int, *, serves: bool) -> dict[str, str]:
    """Return where to reach the process. `serves` is False for a worker; `port` 0 means that it does not listen."""
    host = settings.app.host
    # No URL reaches every interface, and clients differ in what they make of [::].
    url = f"http://{address('::1' if host == '::' else host, port)}"
    if serves:
        pages = {
            "API docs": ("/api", settings.docs),
            "console": ("/admin", settings.app.web),
            "outbox": (
                "/dev/outbox",
                settings.app.web and settings.app.env == "development" and settings.writes_emails_to_outbox,
            ),
        }
        return {
            "listening": url,
            **{name: url + path for name, (path, is_served) in pages.items() if is_served},
        }
    return {"health, metrics": url} if port else {}


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
    return f"MySQL at {address(database.host, database.port)}, database {database.name}"


def _email(settings: Settings) -> str:
    if settings.writes_emails_to_outbox:
        return "files in the outbox"
    return f"SMTP at {address(settings.email.host, settings.email.port)}"


def _push(settings: Settings) -> str:
    if settings.sends_pushes_to_firebase:
        return f"Firebase, project {settings.push.project_id}"
    return (
        "files in the outbox" if settings.writes_pushes_to_outbox else "off: FIREBASE_PROJECT_ID is not set"
    )
