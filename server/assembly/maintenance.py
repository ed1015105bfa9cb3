"""Recurring maintenance: its handlers, and the schedules that insert its jobs."""

from collections.abc import Mapping

from server.actors.worker import Handler
from server.assembly.jobs import queue_settings
from server.assembly.resources import Resources
from server.assembly.services import Services
from server.clock import SystemClock
from server.models.accounts.email_tokens import EmailTokenRepository
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.accounts.sessions import SessionRepository
from server.models.accounts.sign_in_challenges import SignInChallengeRepository
from server.models.accounts.used_id_tokens import UsedIdTokenRepository
from server.models.accounts.used_passkey_challenges import UsedPasskeyChallengeRepository
from server.models.content.drafts import DraftRepository
from server.models.content.media import MediaRepository
from server.models.content.media_keys import MediaKeyRepository
from server.models.content.uploads import UploadRepository
from server.models.counters import CounterRepository
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
from server.models.jobs.jobs import JobRepository
from server.models.jobs.media_totals import MediaTotalRepository
from server.models.jobs.schedules import ScheduleRepository
from server.models.notifications.digests import DigestRepository
from server.models.notifications.retention import NotificationRetentionRepository
from server.services.content.pictures import is_temporary, media_kind
from server.services.jobs.counter_audit import CounterAudit
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.jobs import Jobs
from server.services.jobs.media_sweep import MediaSweep, SweptTables
from server.services.jobs.retention import FinishedJobsKept, Retention, RetentionPeriods, RetentionTables
from server.services.jobs.schedules import Recurring, Schedules
from server.services.jobs.unit_of_work import UnitOfWork
from server.settings import Settings


def maintenance_handlers(
    settings: Settings, resources: Resources, services: Services, jobs: Jobs
) -> Mapping[str, Handler]:
    """Return the handlers of maintenance jobs, by kind."""
    database, unit_of_work = resources.database, _unit_of_work(resources, jobs)
    retention = _retention(settings, resources, jobs)
    counters = CounterAudit(CounterRepository(database), unit_of_work, jobs, services.cache_invalidation.drop)
    media = MediaSweep(
        resources.media,
        SweptTables(
            MediaKeyRepository(database),
            MediaRepository(database),
            UploadRepository(database),
            MediaTotalRepository(database),
        ),
        jobs,
        round(settings.uploads.unused_kept_s * 1000),
        resources.instrumentation.metrics,
        is_temporary,
        media_kind,
    )
    return {
        JobKind.SWEEP_SESSIONS: retention.sweep_sessions,
        JobKind.SWEEP_RESETS: retention.sweep_resets,
        JobKind.SWEEP_KEYS: retention.sweep_keys,
        JobKind.SWEEP_NOTIFICATIONS: retention.sweep_notifications,
        JobKind.RETENTION: retention.prune_jobs,
        JobKind.AUDIT_COUNTERS: counters.audit,
        JobKind.SWEEP_MEDIA: media.sweep,
        JobKind.FIND_DUE_ERASURES: services.account_erasure.start_due,
        JobKind.REFRESH_SEARCH: services.discovery.jobs.refresh,
        JobKind.SWEEP_EXPORTS: services.export_jobs.sweep,
        JobKind.FIND_TRENDS: services.discovery.trend_jobs.refresh,
        JobKind.RANK_EXPLORE: services.explore_ranking.refresh,
        JobKind.ADD_PICTURE_HASHES: services.picture_hashes.add_missing,
    }


def schedules(settings: Settings, resources: Resources, jobs: Jobs) -> Schedules:
    """Return the schedules of all recurring jobs."""
    every = settings.maintenance
    periods_s = {
        JobKind.SWEEP_SESSIONS: every.sessions_every_s,
        JobKind.RETENTION: every.retention_every_s,
        JobKind.AUDIT_COUNTERS: every.counters_every_s,
        JobKind.SWEEP_MEDIA: every.media_every_s,
        JobKind.SWEEP_RESETS: every.resets_every_s,
        JobKind.SWEEP_KEYS: every.keys_every_s,
        JobKind.SWEEP_NOTIFICATIONS: every.notifications_every_s,
        JobKind.FIND_DUE_ERASURES: every.erasures_every_s,
        JobKind.REFRESH_SEARCH: every.search_every_s,
        JobKind.SWEEP_EXPORTS: every.exports_every_s,
        JobKind.FIND_TRENDS: every.trends_every_s,
        JobKind.RANK_EXPLORE: every.explore_every_s,
        JobKind.ADD_PICTURE_HASHES: every.picture_hashes_every_s,
    }
    return Schedules(
        _unit_of_work(resources, jobs),
        ScheduleRepository(resources.database),
        JobRepository(resources.database),
        [
            *(Recurring(kind, round(period_s * 1000)) for kind, period_s in periods_s.items()),
            # Not behind maintenance that takes minutes.
            Recurring(JobKind.FIND_DUE_DIGESTS, round(every.digests_every_s * 1000), Queue.NOTIFICATIONS),
        ],
    )


def _retention(settings: Settings, resources: Resources, jobs: Jobs) -> Retention:
    database, chosen = resources.database, settings.maintenance
    tables = RetentionTables(
        SessionRepository(database),
        SignInChallengeRepository(database),
        EmailTokenRepository(database),
        UsedIdTokenRepository(database),
        UsedPasskeyChallengeRepository(database),
        IdempotencyKeyRepository(database),
        NotificationRetentionRepository(database),
        DigestRepository(database),
        JobRepository(database),
        FormerUsernameRepository(database),
        DraftRepository(database),
    )
    kept = {
        queue: FinishedJobsKept(each.keep_completed, each.keep_failed)
        for queue, each in queue_settings(settings).items()
    }
    periods = RetentionPeriods(
        keys_ms=round(chosen.keys_kept_s * 1000),
        notifications_ms=round(chosen.notifications_kept_s * 1000),
    )
    return Retention(tables, _unit_of_work(resources, jobs), jobs, kept, periods)


def _unit_of_work(resources: Resources, jobs: Jobs) -> UnitOfWork:
    return UnitOfWork(resources.database, resources.ids, SystemClock(), jobs, resources.job_notifier.notify)
