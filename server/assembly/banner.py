"""What runs where, in the words of the banner that a person sees at the start."""

from pathlib import Path

from server.assembly import resources
from server.settings import Settings


def parts(settings: Settings, var: Path) -> dict[str, str]:
    """The parts that the program stands on, by the name of each."""
    where = settings.database
    mysql = f"MySQL at {where.host}:{where.port}, database {where.name}"
    redis = redact_url(resources.redis_url(settings))
    return {
        "database": "embedded SQLite" if settings.embedded_database else mysql,
        "redis": "embedded Valkey" if settings.embedded_redis else redis,
        "email": _email(settings),
        "push": _pushes(settings),
        "data": str(var),
    }


def addresses(settings: Settings, port: int, *, serves: bool) -> dict[str, str]:
    """Where it is reached. `serves`: by the API's clients, and not just by who asks how it is; port 0: by nobody."""
    address = f"http://{settings.app.host}:{port}"
    if serves:
        return {"listening": address, **({"try it out": f"{address}/api"} if settings.docs else {})}
    return {"health, metrics": address} if port else {}


def redact_url(url: str) -> str:
    """The address, as it may be shown."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _email(settings: Settings) -> str:
    if settings.writes_emails_to_outbox:
        return "files in the outbox"
    return f"SMTP at {settings.email.host}:{settings.email.port}"


def _pushes(settings: Settings) -> str:
    if settings.pushes_to_firebase:
        return f"Firebase, project {settings.push.project_id}"
    return "files in the outbox" if settings.pushes_to_a_folder else "none, as FIREBASE_PROJECT_ID is not set"
