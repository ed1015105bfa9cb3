"""Collects notifications for digests, and inserts the jobs of the digests that are due.

A notification that is not to be e-mailed at once becomes an entry. The first entry sets when the inbox's digest is due;
the others join it. A schedule looks for inboxes whose time has come, in index order, and gives each digest an id and a
job. Until that job is finished the inbox has no other one, so that an outage delays a digest but does not repeat it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from server.events import DigestDue
from server.ids import NotificationId, UserId, min_id_at
from server.models.notifications.digests import DigestRepository, EmailFrequency
from server.models.notifications.inboxes import InboxRepository
from server.models.notifications.notifications import EMAIL
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.activities import Activity
from server.services.notifications.digest_times import DigestTimes
from server.services.people.user_lookup import user_not_found

# A digest says that there is more. Popular users would collect entries without end.
MAX_ENTRIES = 200
DIGESTS_PER_TRANSACTION = 100
# A digest whose job is unfinished for so long was deleted by an operator. Failed e-mails are retried for a day.
LOST_AFTER_MS = 3 * 86_400_000


@dataclass(frozen=True, slots=True)
class DigestGroup:
    """A group of notifications that is one entry. `unread`: the recipient has not read what it showed before."""

    unread: bool


class Digests:
    def __init__(
        self,
        digests: DigestRepository,
        inboxes: InboxRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        times: DigestTimes,
    ) -> None:
        self._digests = digests
        self._inboxes = inboxes
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._times = times

    async def add(
        self,
        work: WorkContext,
        recipient_id: UserId,
        notification_id: NotificationId,
        activity: Activity,
        group: DigestGroup | None,
        frequency: EmailFrequency,
    ) -> None:
        """Add a notification to the recipient's next digest. The caller holds the inbox.

        A `group` whose entry is unread has it already: the digest reads who belongs to it.
        """
        if group is not None:
            entry = await self._digests.find_group_entry(recipient_id, activity.type, activity.target_id)
            if entry is not None and group.unread:
                return
            if entry is not None:
                await self._digests.delete_entries([entry])
        if await self._digests.count_entries(recipient_id, MAX_ENTRIES) < MAX_ENTRIES:
            await self._digests.insert_entry(recipient_id, notification_id)
        await self.reserve(work, recipient_id, frequency)

    async def reserve(self, work: WorkContext, user_id: UserId, frequency: EmailFrequency) -> None:
        """Make the user's next digest due, unless one is. The caller holds the inbox."""
        now_ms = work.now_ms()
        due_at_ms = self._times.next_ms(frequency, user_id, now_ms)
        await self._digests.reserve(user_id, due_at_ms, min_id_at(now_ms - LOST_AFTER_MS))

    async def set_frequency(self, work: WorkContext, user_id: UserId, frequency: EmailFrequency) -> None:
        """Set how often a user wants e-mails, and move the digest that is due. Raises NotFound for an unknown user.

        IMMEDIATELY makes it due now. NEVER drops it with its entries; a digest whose job has begun finds no entries.
        """
        if user_id not in await self._inboxes.lock([user_id]):
            raise user_not_found()
        due_at_ms = None
        if frequency is EmailFrequency.NEVER:
            await self._digests.delete_all(user_id)
        else:
            due_at_ms = self._times.next_ms(frequency, user_id, work.now_ms())
        await self._digests.set_frequency(user_id, frequency, due_at_ms)

    async def enqueue_due(self, claim: Claim) -> None:
        """Insert the jobs of the digests that are due, in batches.

        A digest gets one job, also if this runs twice.
        """
        while await self._unit_of_work.run(self._enqueue_some):
            await self._jobs.save_progress(claim, {})
        await self._jobs.finish(claim)

    async def end(
        self,
        work: WorkContext,
        digest_id: int,
        user_id: UserId,
        entries: Sequence[NotificationId],
        unsent: Sequence[NotificationId],
    ) -> None:
        """Delete the entries of a digest that was handled, and make the next one due if there are others.

        The activities of `unsent` may be e-mailed if they return.
        """
        await self._inboxes.lock_existing(user_id)
        await self._digests.delete_entries(entries)
        await self._digests.clear_email(unsent, EMAIL)
        if not await self._digests.end(user_id, digest_id):
            return
        state = await self._digests.find_state(user_id)
        if state is not None and await self._digests.count_entries(user_id, 1):
            await self.reserve(work, user_id, state.frequency)

    async def _enqueue_some(self, work: WorkContext) -> bool:
        """Return whether there may be more."""
        due = await self._digests.list_due(DIGESTS_PER_TRANSACTION)
        for user_id in sorted(due):  # the order in which jobs lock inboxes
            digest_id = work.new_id()
            if await self._digests.begin(user_id, digest_id):
                work.emit(DigestDue(digest_id, user_id))
        return len(due) == DIGESTS_PER_TRANSACTION
