"""Job handlers that notify users of decisions of moderators, and reporters that their reports were handled.

Running a handler twice is safe: a notification is stored once per decision, and once per report. The recipient is
stored as the actor, so that neither the moderator nor a reporter is named.
"""

from collections.abc import Sequence
from functools import partial

from server.ids import CaseId, ReportId, UserId, id_timestamp_ms
from server.models.moderation.reports import ReportRepository
from server.models.notifications.activities import ActivityRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import WorkContext
from server.services.notifications.activities import Activity
from server.services.notifications.store import NotificationStore
from server.services.notifications.writer import Created, NotificationWriter
from server.services.records import NotificationType

REPORTS_PER_TRANSACTION = 100


class ModerationNotificationJobs:
    def __init__(
        self,
        jobs: Jobs,
        reports: ReportRepository,
        activities: ActivityRepository,
        store: NotificationStore,
        writer: NotificationWriter,
    ) -> None:
        self._jobs = jobs
        self._reports = reports
        self._activities = activities
        self._store = store
        self._writer = writer

    async def handle_moderated(self, claim: Claim) -> None:
        """Notify the person concerned by a decision."""
        user_id, action_id = UserId(claim.payload["user_id"]), int(claim.payload["action_id"])
        subjects = {user_id: action_id}
        await self._writer.commit(claim, partial(self._notify, NotificationType.MODERATION, subjects))

    async def handle_reporters(self, claim: Claim) -> None:
        """Notify everybody whose report of a case was handled, in batches."""
        case_id, after = CaseId(claim.payload["case_id"]), int(claim.progress.get("after", 0))
        while reports := await self._reports.list_reporters(case_id, after, REPORTS_PER_TRANSACTION):
            subjects = {reporter_id: int(report_id) for report_id, reporter_id in reports}
            notify = partial(self._notify, NotificationType.REPORT_HANDLED, subjects)
            await self._writer.commit_part(claim, notify)
            after = _last(reports)
            await self._jobs.save_progress(claim, {"after": after})
        await self._jobs.finish(claim)

    async def _notify(
        self, type_: NotificationType, subjects: dict[UserId, int], work: WorkContext
    ) -> Created:
        """Store a notification per recipient about the object with an id."""
        recipients = sorted(await self._activities.list_existing(list(subjects)))
        created: Created = []
        locked = await self._store.lock(recipients) if recipients else {}
        for recipient_id in recipients:
            subject_id = subjects[recipient_id]
            at_ms = work.now_ms() if type_ is NotificationType.REPORT_HANDLED else id_timestamp_ms(subject_id)
            activity = Activity(type_, recipient_id, subject_id, at_ms)
            stored = await self._store.create_of_service(work, locked, recipient_id, activity)
            if stored is not None:
                created.append(stored)
        return created


def _last(reports: Sequence[tuple[ReportId, UserId]]) -> int:
    return reports[-1][0]
