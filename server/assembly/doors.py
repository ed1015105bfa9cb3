"""What the HTTP door needs besides the services."""

from pathlib import Path

from redis.asyncio import Redis

from server.actors.supervisor import Actor
from server.handlers.health import Check
from server.handlers.uploads import UploadLimits, Uploads
from server.models.database import Database
from server.settings import Settings


def uploads(settings: Settings, work_dir: Path) -> Uploads:
    chosen = settings.uploads
    return Uploads(
        work_dir, UploadLimits(chosen.max_file_bytes, chosen.max_files, settings.app.body_timeout_s)
    )


def checks(database: Database, redis: Redis, actors: list[Actor]) -> dict[str, Check]:
    """What `/readyz` asks, by the part's name."""

    async def ask_database() -> str:
        await database.ping()
        return "ok"

    async def ask_redis() -> str:
        await redis.ping()
        return "ok"

    def ask(actor: Actor) -> Check:
        async def state() -> str:
            return "ok" if actor.state == "running" else actor.state

        return state

    return {"database": ask_database, "redis": ask_redis, **{actor.name: ask(actor) for actor in actors}}
