"""E-mails that sum up what happened since the previous one."""

from server.clock import SystemClock
from server.gateways.email.email import EmailFailed
from server.ids import NotificationId, UserId
from server.metrics import Metrics
from server.models.notifications.digests import DigestRepository, DigestState, EmailFrequency
from server.services.emails.delivery import EmailDelivery, EmailKind, EmailOutcome
from server.services.emails.unsubscribe_tokens import AllNotifications
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.delivery.digest_composer import DigestComposer
from server.services.notifications.delivery.digest_items import DigestContent, DigestContents
from server.services.notifications.digests import MAX_ENTRIES, Digests


class DigestEmails:
    def __init__(
        self,
        rows: DigestRepository,
        contents: DigestContents,
        composer: DigestComposer,
        digests: Digests,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        delivery: EmailDelivery,
        metrics: Metrics,
    ) -> None:
        self._rows = rows
        self._contents = contents
        self._composer = composer
        self._digests = digests
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._delivery = delivery
        self._metrics = metrics
        self._clock = SystemClock()

    async def send(self, claim: Claim) -> None:
        """E-mail a digest, unless nothing of it is unread. Raises EmailFailed while the SMTP server does not accept it.

        The first attempt saves which entries the digest is about. A repeated attempt has the same entries and the same
        Message-ID, so the e-mail is shown once. What was added since then waits for the next digest.
        """
        user_id, digest_id = UserId(claim.payload["user_id"]), int(claim.payload["digest_id"])
        state = await self._rows.find_state(user_id)
        if state is None or state.digest_id != digest_id:
            await self._jobs.finish(claim)  # the account was erased, or a later digest has the entries
            return
        entries = [NotificationId(each) for each in claim.progress.get("entries", [])]
        if not entries:
            entries = await self._rows.list_entries(user_id, MAX_ENTRIES)
            await self._jobs.save_progress(claim, {"entries": entries})
        content, outcome = await self._send(claim, user_id, state, entries)
        sent = outcome is EmailOutcome.SENT and content is not None
        unsent = [each for each in entries if content is None or not (sent and each in content.delivered)]
        if outcome is EmailOutcome.LIMITED:  # they wait for the next digest
            entries, unsent = [], []

        async def end(work: WorkContext) -> None:
            await self._digests.end(work, digest_id, user_id, entries, unsent)

        await self._unit_of_work.run(end, completes=claim)

    async def _send(
        self, claim: Claim, user_id: UserId, state: DigestState, entries: list[NotificationId]
    ) -> tuple[DigestContent | None, EmailOutcome | None]:
        """Return the content and the outcome; None where there was nothing to send."""
        recipient = await self._contents.find_recipient(user_id)
        if recipient is None or state.frequency is EmailFrequency.NEVER:
            return None, None
        content = await self._contents.read(user_id, recipient, entries)
        if not content.items:
            return None, None
        email = self._composer.compose(int(claim.payload["digest_id"]), user_id, recipient, content, state)
        try:
            outcome = await self._delivery.send(
                EmailKind.NOTIFICATION, email, attempt=claim.attempts, topic=AllNotifications.TOPIC
            )
        except EmailFailed:
            self._metrics.count_undelivered("email", "retried")
            raise
        if outcome is EmailOutcome.SENT:
            self._metrics.count_delivery("email", (self._clock.now_ms() - claim.created_at_ms) / 1000)
        elif outcome in {EmailOutcome.LIMITED, EmailOutcome.REFUSED}:
            self._metrics.count_undelivered("email", outcome)
        return content, outcome
