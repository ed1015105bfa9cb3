"""What the HTTP door needs besides the services."""

from pathlib import Path

from server.actors.supervisor import Actor
from server.assembly.foundations import Foundations
from server.gateways.throttle import Limit, Throttle
from server.handlers.health import Check
from server.handlers.throttling import Rate, Throttling
from server.handlers.uploads import UploadLimits, Uploads
from server.settings import RateLimit, Settings


def uploads(settings: Settings, work_dir: Path) -> Uploads:
    chosen = settings.uploads
    return Uploads(
        work_dir, UploadLimits(chosen.max_file_bytes, chosen.max_files, settings.app.body_timeout_s)
    )


def throttling(settings: Settings, throttle: Throttle) -> Throttling:
    chosen = settings.throttle
    by_name: dict[Rate, RateLimit] = {
        Rate.DEFAULT: RateLimit(limit=chosen.limit, window_s=chosen.ttl_ms / 1000),
        Rate.LOGIN: chosen.login,
        Rate.LOGIN_ACCOUNT: chosen.login_account,
        Rate.FORGOT: chosen.forgot,
        Rate.REGISTRATION: chosen.registration,
        Rate.REFRESH: chosen.refresh,
        Rate.WRITES: chosen.writes,
        Rate.UPLOADS: chosen.uploads,
        Rate.READS: chosen.reads,
    }
    limits = {rate: Limit(rate, each.limit, each.window_s) for rate, each in by_name.items()}
    return Throttling(throttle, limits if chosen.enabled else {})


def checks(on: Foundations, actors: list[Actor]) -> dict[str, Check]:
    """What `/readyz` asks, by the part's name."""

    async def ask_database() -> str:
        await on.database.ping()
        return "ok"

    async def ask_redis() -> str:
        await on.redis.ping()
        return "ok"

    async def ask_feeds() -> str:
        await on.feed_wire.command("PING")
        return "ok"

    def ask(actor: Actor) -> Check:
        async def state() -> str:
            return "ok" if actor.state == "running" else actor.state

        return state

    parts: dict[str, Check] = {"database": ask_database, "redis": ask_redis}
    if on.feed_wire is not on.wire:
        parts["feeds"] = ask_feeds
    return parts | {actor.name: ask(actor) for actor in actors}
