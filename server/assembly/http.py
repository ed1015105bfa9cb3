"""Parts of the HTTP application besides services: upload and rate limits, health checks, metrics."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from server.actors.supervisor import SupervisedTask
from server.assembly.gateways import web_push_identity
from server.assembly.identity_providers import providers
from server.assembly.resources import Resources
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.handlers.content.client_config import ClientLimits, NewAccountLimits, SignInOptions
from server.handlers.http.bodies.multipart import FormReader, UploadLimits
from server.handlers.http.bodies.time_limits import TimeLimits
from server.handlers.http.middleware import InFlight
from server.handlers.http.operations import Contribution, Rate
from server.handlers.http.rate_limiting import RateLimiting
from server.handlers.operations.health import Check, HealthRoutes
from server.handlers.operations.metrics import MetricsRoutes
from server.metrics import Metrics
from server.services.jobs.queue_administration import QueueAdministration
from server.settings import NewAccountRate, RateLimit, Settings


@dataclass(frozen=True, slots=True)
class Observability:
    """State of this process for `/healthz`, `/readyz` and `/metrics`."""

    checks: Mapping[str, Check]
    restarts: Callable[[], Mapping[str, int]]
    metrics: Metrics
    render_metrics: Callable[[], Awaitable[bytes]] | None = None

    def routes(
        self, settings: Settings, queues: QueueAdministration, in_flight: InFlight
    ) -> tuple[HealthRoutes, MetricsRoutes]:
        token = settings.app.metrics_token.get_secret_value()
        return (
            HealthRoutes(in_flight, self.checks, self.restarts, token),
            MetricsRoutes(self.metrics, queues, token, self.render_metrics),
        )


def observability(
    resources: Resources,
    tasks: list[SupervisedTask],
    render_metrics: Callable[[], Awaitable[bytes]] | None = None,
) -> Observability:
    """Observe the dependencies and the supervised `tasks`; `render_metrics` includes other processes."""
    return Observability(
        checks=_checks(resources, tasks),
        restarts=lambda: {task.name: task.restarts for task in tasks},
        metrics=resources.instrumentation.metrics,
        render_metrics=render_metrics,
    )


HOUR_S, DAY_S = 3600, 86_400
NEW_ACCOUNT_NOTE = (
    "New accounts have lower limits, and so have accounts for some time after a decision of moderators."
)


def form_reader(settings: Settings, work_dir: Path) -> FormReader:
    return FormReader(work_dir, _upload_limits(settings))


def client_limits(settings: Settings) -> ClientLimits:
    chosen = settings.uploads
    return ClientLimits(
        _upload_limits(settings),
        chosen.max_pixels,
        chosen.max_unused,
        chosen.unused_kept_s,
        _new_account_limits(settings) if settings.throttle.enabled else None,
    )


def _new_account_limits(settings: Settings) -> NewAccountLimits:
    rates = _new_account_rates(settings)
    return NewAccountLimits(
        settings.throttle.new_accounts.age_s,
        settings.throttle.new_accounts.sanction_days,
        {contribution: (rate.per_hour, rate.per_day) for contribution, rate in rates.items()},
    )


def sign_in_options(settings: Settings) -> SignInOptions:
    return SignInOptions(providers(settings), settings.passkey_site)


def vapid_public_key(settings: Settings) -> str | None:
    vapid = web_push_identity(settings)
    return None if vapid is None else vapid.public_key


def _upload_limits(settings: Settings) -> UploadLimits:
    chosen = settings.uploads
    time_limits = TimeLimits(chosen.idle_timeout_s, chosen.min_bytes_per_s, chosen.total_timeout_s)
    return UploadLimits(chosen.max_file_bytes, chosen.max_files, chosen.max_request_bytes, time_limits)


def rate_limiting(settings: Settings, rate_limits: RateLimits) -> RateLimiting:
    """Build the limits by name; none if rate limiting is disabled."""
    chosen = settings.throttle
    by_name: dict[Rate, RateLimit] = {
        Rate.DEFAULT: RateLimit(limit=chosen.limit, window_s=chosen.ttl_ms / 1000),
        Rate.REGISTRATION: chosen.registration,
        Rate.AVAILABILITY: chosen.availability,
        Rate.REFRESH: chosen.refresh,
        Rate.WRITES: chosen.writes,
        Rate.UPLOADS: chosen.uploads,
        Rate.MEDIA: chosen.media,
        Rate.UPLOAD_PARTS: chosen.upload_parts,
        Rate.READS: chosen.reads,
        Rate.REPORTS: chosen.reports,
        Rate.SEARCH: chosen.search,
        Rate.EXPORTS: chosen.exports,
    }
    limits = {rate: Limit(rate, each.limit, each.window_s) for rate, each in by_name.items()}
    if not chosen.enabled:
        return RateLimiting(rate_limits, {})
    of_new_accounts = {
        contribution: (
            Limit(f"new_{contribution}_hour", rate.per_hour, HOUR_S, note=NEW_ACCOUNT_NOTE),
            Limit(f"new_{contribution}_day", rate.per_day, DAY_S, note=NEW_ACCOUNT_NOTE),
        )
        for contribution, rate in _new_account_rates(settings).items()
    }
    return RateLimiting(rate_limits, limits, of_new_accounts)


def _new_account_rates(settings: Settings) -> dict[Contribution, NewAccountRate]:
    chosen = settings.throttle.new_accounts
    return {
        Contribution.POSTS: chosen.posts,
        Contribution.COMMENTS: chosen.comments,
        Contribution.FOLLOWS: chosen.follows,
        Contribution.LIKES: chosen.likes,
        Contribution.REPORTS: chosen.reports,
    }


def _checks(resources: Resources, tasks: list[SupervisedTask]) -> dict[str, Check]:
    async def check_database() -> str:
        await resources.database.ping()
        if resources.instrumentation.database_write_error:
            return resources.instrumentation.database_write_error
        replicas = resources.database.replicas
        return (
            f"ok: {len(replicas.left_out)} of {len(replicas.all)} replicas left out"
            if replicas.left_out
            else "ok"
        )

    async def check_redis() -> str:
        await resources.cache_guard.check()
        return "ok"

    async def check_feeds() -> str:
        await resources.feeds_guard.check()
        return "ok"

    async def check_bucket() -> str:
        await resources.media.read_id()
        return "ok"

    def check_task(task: SupervisedTask) -> Check:
        async def state() -> str:
            return "ok" if task.state == "running" else task.state

        return state

    dependencies: dict[str, Check] = {"database": check_database, "redis": check_redis}
    if resources.feeds_redis is not resources.pipelined_redis:
        dependencies["feeds"] = check_feeds
    if resources.media.in_a_bucket:
        dependencies["media"] = check_bucket
    return dependencies | {task.name: check_task(task) for task in tasks}
