"""Builders of the services of jobs, on a service harness."""

from collections.abc import Awaitable, Callable, Mapping

from server.ids import JobId
from server.models.accounts.email_tokens import EmailTokenRepository
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.accounts.sessions import SessionRepository
from server.models.accounts.sign_in_challenges import SignInChallengeRepository
from server.models.accounts.used_id_tokens import UsedIdTokenRepository
from server.models.accounts.used_passkey_challenges import UsedPasskeyChallengeRepository
from server.models.content.drafts import DraftRepository
from server.models.content.media_keys import MediaKeyRepository
from server.models.counters import CounterRepository
from server.models.jobs.failed_jobs import FailedJobRepository
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
from server.models.jobs.jobs import JobRepository, JobState, JobTable
from server.models.jobs.media_totals import MediaTotalRepository
from server.models.jobs.queue_states import QueueStateRepository
from server.models.jobs.queue_statistics import QueueStatisticsRepository
from server.models.jobs.schedules import ScheduleRepository
from server.models.notifications.digests import DigestRepository
from server.models.notifications.retention import NotificationRetentionRepository
from server.services.content.pictures import is_temporary, media_kind
from server.services.jobs.claims import Claim
from server.services.jobs.counter_audit import CounterAudit
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.jobs.media_sweep import MediaSweep, SweptTables
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.queue_overview import QueueLimits, QueueOverview
from server.services.jobs.queue_states import QueueStates
from server.services.jobs.retention import (
    DAY_MS,
    FinishedJobsKept,
    Retention,
    RetentionPeriods,
    RetentionTables,
)
from server.services.jobs.schedules import Recurring, Schedules
from tools.harness.services import ServiceHarness


def build_queue_administration(
    harness: ServiceHarness,
    limits: Mapping[Queue, QueueLimits] | None = None,
    count_rejected: Callable[[str], Awaitable[int]] | None = None,
) -> QueueAdministration:
    database = harness.database
    pauses = QueueStateRepository(database)
    states = QueueStates(pauses, JobRepository(database))
    overview = QueueOverview(QueueStatisticsRepository(database), states, limits or {}, count_rejected)
    return QueueAdministration(overview, states, pauses, FailedJobRepository(database))


def build_schedules(harness: ServiceHarness, *recurring: Recurring) -> Schedules:
    database = harness.database
    return Schedules(harness.unit_of_work, ScheduleRepository(database), JobRepository(database), recurring)


def build_retention(
    harness: ServiceHarness,
    kept: Mapping[Queue, FinishedJobsKept] | None = None,
    periods: RetentionPeriods | None = None,
) -> Retention:
    database = harness.database
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
    return Retention(tables, harness.unit_of_work, harness.jobs, kept or {}, periods or RetentionPeriods())


def build_counter_audit(harness: ServiceHarness) -> CounterAudit:
    return CounterAudit(
        CounterRepository(harness.database),
        harness.unit_of_work,
        harness.jobs,
        harness.cache_invalidation.drop,
    )


def build_media_sweep(harness: ServiceHarness) -> MediaSweep:
    return MediaSweep(
        harness.media,
        SweptTables(
            MediaKeyRepository(harness.database),
            harness.media_rows,
            harness.upload_rows,
            MediaTotalRepository(harness.database),
        ),
        harness.jobs,
        DAY_MS,
        harness.metrics,
        is_temporary,
        media_kind,
    )


async def claim_maintenance_job(harness: ServiceHarness, kind: JobKind) -> Claim:
    """Insert a maintenance job and claim it."""
    job_id = JobId(harness.ids.next())
    await JobTable.create(
        id=job_id, queue=Queue.MAINTENANCE, kind=kind, payload="{}", state=JobState.READY, run_at_ms=1,
        created_at_ms=1,
    )  # fmt: skip
    claim = await harness.jobs.claim(job_id)
    assert claim is not None
    return claim


async def assert_completed(harness: ServiceHarness, claim: Claim) -> None:
    assert (await harness.job(claim.id))["state"] == JobState.COMPLETED
