"""Reported cases and moderators for the tests of moderation."""

from server.ids import CaseId, UserId
from server.paging import PageRequest
from server.services.moderation.report_queue import CaseStatus
from server.services.moderation.reports import ReportReason, SubjectType
from server.services.records import Role
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def reported(
    harness: ServiceHarness,
    reporter: UserId,
    subject: SubjectType,
    subject_id: int,
    reason: ReportReason = ReportReason.SPAM,
) -> CaseId:
    """Report a subject, and return its case."""
    await harness.reports.report(reporter, subject, subject_id, reason, "")
    return (await open_cases(harness))[-1]


async def open_cases(harness: ServiceHarness, status: CaseStatus = CaseStatus.OPEN) -> list[CaseId]:
    return [case.id for case in (await harness.report_queue.list_page(status, PAGE)).items]


async def moderator(harness: ServiceHarness, role: Role = Role.MODERATOR) -> UserId:
    user_id = await harness.user()
    await harness.user_rows.set_role(user_id, role)
    return user_id
