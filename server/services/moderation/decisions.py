"""Decisions of moderators, which resolve all reports of a subject, and the audit log."""

from dataclasses import dataclass, replace
from functools import partial

from server.errors import InvalidInput
from server.events import PersonModerated, ReportsHandled
from server.ids import ActionId, CaseId, UserId
from server.models.moderation.actions import (
    CLOSING,
    DECISIONS,
    SANCTIONS,
    ModerationAction,
    ModerationActionRow,
    new_action,
)
from server.models.moderation.report_cases import ReportedSubject
from server.models.moderation.reports import ReportReason
from server.paging import Page, PageRequest, cut
from server.services.accounts.revocations import Revocations
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.moderation.report_queue import case_not_found, require_available
from server.services.moderation.sanctions import Sanctions
from server.services.moderation.tables import ModerationTables

__all__ = ["DAY_MS", "DECISIONS", "Decision", "Decisions", "ModerationAction", "ModerationActionRow"]

DAY_MS = 86_400_000
# The detail of a take-down.
PICTURES_REFUSED = "pictures_refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """`note` is for moderators, `message` for the person concerned.

    days: The length of a suspension; None for other actions.
    reason: What the person is given as the reason; None: the reason of most reports.
    block_pictures: Whether taking a post down keeps its pictures from being uploaded again.
    """

    action: ModerationAction
    note: str
    days: int | None = None
    reason: ReportReason | None = None
    message: str = ""
    block_pictures: bool = True


class Decisions:
    def __init__(
        self,
        tables: ModerationTables,
        sanctions: Sanctions,
        revocations: Revocations,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._tables = tables
        self._sanctions = sanctions
        self._revocations = revocations
        self._unit_of_work = unit_of_work

    async def resolve(self, moderator_id: UserId, case_id: CaseId, decision: Decision) -> ModerationActionRow:
        """Resolve all reports of a subject; the action has taken effect everywhere when this returns.

        Raises NotFound, InvalidInput for an action that the subject does not allow, Forbidden for a case about the
        moderator and for suspending a colleague, and Conflict if it is resolved or another moderator's.
        """
        case = await self._tables.cases.get(case_id)
        if case is None:
            raise case_not_found()
        subject = case.subject
        if decision.action is ModerationAction.TAKE_DOWN and subject.post_id is None:
            raise InvalidInput(
                "An account cannot be taken down.", fields={"action": ["Choose `suspend` or `ban`."]}
            )
        row = await self._unit_of_work.run(
            partial(self._resolve, moderator_id, case_id, decision),
            changes=self._sanctions.changes(decision.action, subject),
        )
        if decision.action in CLOSING:
            await self._revocations.propagate(subject.author_id)
        return row

    async def list_actions(
        self, actor_id: UserId | None, author_id: UserId | None, request: PageRequest
    ) -> Page[ModerationActionRow]:
        """Return the audit log, newest first; of one moderator, about one user, or both."""
        rows = await self._tables.actions.list_page(actor_id, author_id, request.before_id, request.limit + 1)
        return cut(rows, request.limit, lambda row: row.id)

    async def _resolve(
        self, moderator_id: UserId, case_id: CaseId, decision: Decision, work: WorkContext
    ) -> ModerationActionRow:
        now_ms = work.now_ms()
        case = require_available(await self._tables.cases.lock(case_id), moderator_id, now_ms)
        row = new_action(
            ActionId(work.new_id()),
            moderator_id,
            decision.action,
            (case_id, case.subject),
            now_ms,
            note=decision.note,
            until_ms=None if decision.days is None else now_ms + decision.days * DAY_MS,
            reason=decision.reason or await self._find_reason(case_id),
            message=decision.message,
        )
        row = await self._carry_out(row, case.subject, decision, work)
        await self._tables.cases.resolve(case_id)
        if decision.action in SANCTIONS:
            work.emit(PersonModerated(row.id, row.author_id))
        work.emit(ReportsHandled(case_id))
        await self._tables.audit.append(row)
        return row

    async def _carry_out(
        self, row: ModerationActionRow, subject: ReportedSubject, decision: Decision, work: WorkContext
    ) -> ModerationActionRow:
        """Apply the action, and return its entry with what is needed to undo it."""
        if row.action in CLOSING:
            previous = await self._sanctions.suspend(row.actor_id, row.author_id, row.until_ms, work)
            return replace(row, detail=previous)
        if row.action is ModerationAction.TAKE_DOWN:
            await self._sanctions.take_down(subject, row.id, work)
            if decision.block_pictures and await self._sanctions.refuse_pictures(subject, row.id, work):
                return replace(row, detail=PICTURES_REFUSED)
        return row

    async def _find_reason(self, case_id: CaseId) -> str:
        """Return the reason of most reports; empty if their reporters were erased."""
        counts = await self._tables.reports.count_reasons([case_id])
        return next(iter(counts.get(case_id, {})), "")
