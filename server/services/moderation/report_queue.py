"""The report queue: reported subjects, oldest first, and the claims of moderators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.errors import Conflict, Forbidden, NotFound
from server.ids import ActionId, CaseId, FilterId, PostId, UserId, id_timestamp_ms
from server.models.moderation.actions import ModerationAction, new_action
from server.models.moderation.audit_chain import AuditChainRepository
from server.models.moderation.report_cases import (
    CaseStatus,
    ReportCaseRepository,
    ReportCaseRow,
    ReportedSubject,
    SubjectType,
)
from server.models.moderation.reports import ReportReason, ReportRepository
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Image, UserCard

CLAIM_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class ReportCase:
    """All reports of a subject. `excerpt`: its text when it was first reported. `images`: those of a post."""

    id: CaseId
    subject: ReportedSubject
    author: UserCard
    excerpt: str
    images: Sequence[Image]
    status: CaseStatus
    reasons: Mapping[ReportReason, int]
    claimed_by_id: UserId | None
    claimed_at_ms: int | None
    filter_id: FilterId | None
    created_at_ms: int


class ReportQueue:
    def __init__(
        self,
        cases: ReportCaseRepository,
        reports: ReportRepository,
        audit: AuditChainRepository,
        cards: Cards,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._cases = cases
        self._reports = reports
        self._audit = audit
        self._cards = cards
        self._unit_of_work = unit_of_work

    async def list_page(self, status: CaseStatus, request: PageRequest) -> Page[ReportCase]:
        """Return cases, oldest first."""
        rows = await self._cases.list_by_status(status, request.after or 0, request.limit + 1)
        page = cut(rows, request.limit, lambda row: row.id)
        return Page(await self._views(page.items), page.next_cursor)

    async def claim(self, moderator_id: UserId, case_id: CaseId) -> ReportCase:
        """Reserve a case for one moderator for an hour; a second claim by the same one renews it.

        Raises NotFound, Forbidden for a case about the moderator, and Conflict if it is resolved or reserved.
        """

        async def claim(work: WorkContext) -> None:
            case = require_available(await self._cases.lock(case_id), moderator_id, work.now_ms())
            now_ms = work.now_ms()
            await self._cases.claim(case_id, moderator_id, now_ms)
            row = new_action(
                ActionId(work.new_id()),
                moderator_id,
                ModerationAction.CLAIM,
                (case_id, case.subject),
                now_ms,
            )
            await self._audit.append(row)

        await self._unit_of_work.run(claim)
        case = await self._cases.get(case_id)
        if case is None:
            raise case_not_found()
        return (await self._views([case]))[0]

    async def _views(self, rows: Sequence[ReportCaseRow]) -> list[ReportCase]:
        reasons = await self._reports.count_reasons([row.id for row in rows])
        authors = await self._cards.get_users(row.subject.author_id for row in rows)
        post_ids = [PostId(row.subject.id) for row in rows if row.subject.type is SubjectType.POST]
        images = await self._cards.list_images(post_ids) if post_ids else {}
        return [
            ReportCase(
                row.id,
                row.subject,
                authors[row.subject.author_id],
                row.excerpt,
                images.get(PostId(row.subject.id), ()) if row.subject.type is SubjectType.POST else (),
                row.status,
                reasons.get(row.id, {}),
                row.claimed_by_id,
                row.claimed_at_ms,
                row.filter_id,
                id_timestamp_ms(row.id),
            )
            for row in rows
            if row.subject.author_id in authors
        ]


def require_available(case: ReportCaseRow | None, moderator_id: UserId, now_ms: int) -> ReportCaseRow:
    """Return a locked case that the moderator may claim or resolve.

    Raises NotFound, Forbidden for a case about the moderator, and Conflict if it is resolved or another one's.
    """
    if case is None:
        raise case_not_found()
    if case.subject.author_id == moderator_id:
        raise Forbidden("Another moderator has to handle reports about you.", code="own_account")
    if case.status is CaseStatus.RESOLVED:
        raise Conflict("These reports are already resolved.", code="already_resolved")
    others = case.claimed_by_id not in (None, moderator_id)
    if others and (case.claimed_at_ms or 0) + CLAIM_MS > now_ms:
        raise Conflict("Another moderator has claimed these reports.", code="already_claimed")
    return case


def case_not_found() -> NotFound:
    return NotFound("Report not found.")
