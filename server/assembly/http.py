"""What the HTTP door needs besides the services."""

from pathlib import Path

from server.actors.supervisor import SupervisedTask
from server.assembly.resources import Resources
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.handlers.http.multipart import UploadLimits, Uploads
from server.handlers.http.rate_limiting import Rate, RateLimiting
from server.handlers.operations.health import Check
from server.settings import RateLimit, Settings


def uploads(settings: Settings, work_dir: Path) -> Uploads:
    chosen = settings.uploads
    return Uploads(
        work_dir, UploadLimits(chosen.max_file_bytes, chosen.max_files, settings.app.body_timeout_s)
    )


def throttling(settings: Settings, throttle: RateLimits) -> RateLimiting:
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
    return RateLimiting(throttle, limits if chosen.enabled else {})


def checks(on: Resources, actors: list[SupervisedTask]) -> dict[str, Check]:
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

    def ask(actor: SupervisedTask) -> Check:
        async def state() -> str:
            return "ok" if actor.state == "running" else actor.state

        return state

    parts: dict[str, Check] = {"database": ask_database, "redis": ask_redis}
    if on.feed_wire is not on.wire:
        parts["feeds"] = ask_feeds
    return parts | {actor.name: ask(actor) for actor in actors}
