"""`python run.py migrate`: applies pending database migrations."""

from server import control
from server.settings import Settings


async def migrate(settings: Settings) -> int:
    applied = await control.apply_migrations(
        settings, lambda version: print(f"applying {version}", flush=True)
    )
    print(f"{len(applied)} migration(s) applied." if applied else "The database is up to date.")
    return 0
