"""Jobs that delete rows whose retention has ended. Each is idempotent: it deletes what is expired now."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from server.clock import SystemClock
from server.ids import min_id_at
from server.models.accounts.email_tokens import EmailTokenRepository
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.accounts.sessions import SessionRepository
from server.models.accounts.sign_in_challenges import SignInChallengeRepository
from server.models.accounts.used_id_tokens import UsedIdTokenRepository
from server.models.accounts.used_passkey_challenges import UsedPasskeyChallengeRepository
from server.models.content.drafts import DraftRepository
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
from server.models.jobs.jobs import JobRepository, JobState
from server.models.notifications.digests import DigestRepository
from server.models.notifications.retention import NotificationGroup, NotificationRetentionRepository
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import Queue
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)

DAY_MS = 86_400_000
# How long the id of a draft leads to its post: clients may have it from before the publication.
PUBLISHED_DRAFTS_KEPT_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class FinishedJobsKept:
    """Number of finished jobs to keep per queue; `failed` 0 keeps all failed jobs."""

    completed: int
    failed: int = 0


@dataclass(frozen=True, slots=True)
class RetentionPeriods:
    """Retention of idempotency keys and of notifications, both read and unread."""

    keys_ms: int = DAY_MS
    notifications_ms: int = 90 * DAY_MS


@dataclass(frozen=True, slots=True)
class RetentionTables:
    """The repositories of the tables with retention."""

    sessions: SessionRepository
    sign_in_challenges: SignInChallengeRepository
    email_tokens: EmailTokenRepository
    used_id_tokens: UsedIdTokenRepository
    used_passkey_challenges: UsedPasskeyChallengeRepository
    idempotency_keys: IdempotencyKeyRepository
    notifications: NotificationRetentionRepository
    digests: DigestRepository
    jobs: JobRepository
    former_usernames: FormerUsernameRepository
    drafts: DraftRepository


class Retention:
    """Handlers of the retention jobs. `kept` names the queues whose finished jobs are pruned."""

    def __init__(
        self,
        tables: RetentionTables,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        kept: Mapping[Queue, FinishedJobsKept],
        periods: RetentionPeriods,
    ) -> None:
        self._tables = tables
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._kept = kept
        self._periods = periods

    async def sweep_sessions(self, claim: Claim) -> None:
        """Delete expired sessions, and sign-ins that were not completed."""
        await self._tables.sign_in_challenges.delete_expired()
        deleted = await self._tables.sessions.delete_expired()
        if deleted:
            log.info("sessions_swept", sessions=deleted)
        await self._jobs.complete(claim)

    async def sweep_resets(self, claim: Claim) -> None:
        """Delete expired tokens of links in e-mails, and used ID tokens and challenges that have expired."""
        await self._tables.used_id_tokens.delete_expired()
        await self._tables.used_passkey_challenges.delete_expired()
        deleted = await self._tables.email_tokens.delete_expired()
        if deleted:
            log.info("resets_swept", resets=deleted)
        await self._jobs.complete(claim)

    async def sweep_keys(self, claim: Claim) -> None:
        """Delete old idempotency keys, and the rows of drafts that were published long ago."""
        await self._tables.drafts.delete_published(
            min_id_at(SystemClock().now_ms() - PUBLISHED_DRAFTS_KEPT_MS)
        )
        deleted = await self._tables.idempotency_keys.delete_older(self._periods.keys_ms)
        if deleted:
            log.info("idempotency_keys_swept", keys=deleted)
        await self._jobs.complete(claim)

    async def sweep_notifications(self, claim: Claim) -> None:
        """Delete old notifications. A stream that resumes before them gets a `reset` event."""
        notifications = self._tables.notifications
        first_kept = min_id_at(SystemClock().now_ms() - self._periods.notifications_ms)
        await self._tables.digests.delete_older(first_kept)
        deleted = 0
        while ids := await notifications.list_older(first_kept):
            groups = await notifications.list_groups(ids)
            deleted += await notifications.delete(ids)
            for group in groups:
                await self._unit_of_work.run(partial(self._recount, group))
        if deleted:
            log.info("notifications_swept", notifications=deleted)
        await self._jobs.complete(claim)

    async def prune_jobs(self, claim: Claim) -> None:
        """Delete the oldest finished jobs above the number that is kept, and expired reservations of usernames."""
        await self._tables.former_usernames.delete_expired()
        for queue, kept in self._kept.items():
            await self._tables.jobs.prune(queue, JobState.COMPLETED, kept.completed)
            if kept.failed:
                deleted = await self._tables.jobs.prune(queue, JobState.DEAD, kept.failed)
                if deleted:
                    log.warning("failed_jobs_deleted", queue=queue, jobs=deleted, keep_failed=kept.failed)
        await self._jobs.complete(claim)

    async def _recount(self, group: NotificationGroup, work: WorkContext) -> None:
        await self._tables.notifications.recount(group)
