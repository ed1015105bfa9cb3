"""`python run.py restored`: begins a new epoch of the database after a restore or a failover."""

from server import control
from server.settings import Settings


async def begin_epoch(settings: Settings) -> int:
    await control.begin_epoch(settings)
    print("Everything that was cached before is ignored; running processes notice it within a second.")
    return 0
