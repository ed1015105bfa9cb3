"""The queue of appeals, oldest first, and what other moderators decide about them; restoring without an appeal."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from server.errors import Conflict, Forbidden, NotFound
from server.events import PersonModerated
from server.ids import ActionId, AppealId, UserId
from server.models.accounts.users import UserRepository
from server.models.moderation.actions import SANCTIONS, ModerationAction, ModerationActionRow
from server.models.moderation.appeals import AppealRow, AppealStatus
from server.models.moderation.report_cases import ReportCaseRow
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.moderation.own_decisions import decision_not_found
from server.services.moderation.report_queue import CLAIM_MS
from server.services.moderation.sanctions import Sanctions
from server.services.moderation.tables import ModerationTables
from server.services.records import Role, UserCard

__all__ = ["Appeal", "AppealQueue", "AppealRow", "AppealStatus", "Reply"]

OUTCOMES = {AppealStatus.UPHELD: ModerationAction.UPHOLD, AppealStatus.REVERSED: ModerationAction.REVERSE}


@dataclass(frozen=True, slots=True)
class Appeal:
    """An appeal, its author, and the decision that it is about."""

    row: AppealRow
    author: UserCard
    action: ModerationActionRow


@dataclass(frozen=True, slots=True)
class Reply:
    """`note` is for moderators, `message` for the person concerned."""

    note: str = ""
    message: str = ""


class AppealQueue:
    def __init__(
        self,
        tables: ModerationTables,
        users: UserRepository,
        sanctions: Sanctions,
        cards: Cards,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._tables = tables
        self._users = users
        self._sanctions = sanctions
        self._cards = cards
        self._unit_of_work = unit_of_work

    async def list_page(self, status: AppealStatus, request: PageRequest) -> Page[Appeal]:
        """Return appeals, oldest first."""
        rows = await self._tables.appeals.list_by_status(status, request.after or 0, request.limit + 1)
        page = cut(rows, request.limit, lambda row: row.id)
        return Page(await self._views(page.items), page.next_cursor)

    async def claim(self, moderator_id: UserId, appeal_id: AppealId) -> Appeal:
        """Reserve an appeal for one moderator for an hour, or renew that. Raises what `resolve` raises."""

        async def claim(work: WorkContext) -> None:
            appeal, action = await self._lock(moderator_id, appeal_id, work)
            await self._tables.appeals.claim(appeal.id, moderator_id, work.now_ms())
            entry = _entry(work, moderator_id, ModerationAction.CLAIM_APPEAL, action, Reply())
            await self._tables.audit.append(entry)

        await self._unit_of_work.run(claim)
        appeal = await self._tables.appeals.get(appeal_id)
        if appeal is None:
            raise appeal_not_found()
        return (await self._views([appeal]))[0]

    async def resolve(
        self, moderator_id: UserId, appeal_id: AppealId, outcome: AppealStatus, reply: Reply
    ) -> ModerationActionRow:
        """Uphold or reverse the decision; a reversal has taken effect everywhere when this returns.

        Raises NotFound, Forbidden for an appeal of the moderator, and for the moderator who decided unless there is no
        other one, and Conflict if the appeal is resolved or another moderator's.
        """
        appeal = await self._tables.appeals.get(appeal_id)
        if appeal is None:
            raise appeal_not_found()
        action, case = await self._get_action(appeal.action_id)

        async def resolve(work: WorkContext) -> ModerationActionRow:
            await self._lock(moderator_id, appeal_id, work)
            await self._tables.appeals.resolve(appeal_id, outcome)
            if outcome is AppealStatus.REVERSED and case is not None:
                await self._sanctions.undo(action, case.subject, work)
            return await self._record(work, moderator_id, OUTCOMES[outcome], action, reply)

        is_reversed = outcome is AppealStatus.REVERSED and case is not None
        changes = self._sanctions.changes(action.action, case.subject) if is_reversed and case else ()
        return await self._unit_of_work.run(resolve, changes=changes)

    async def restore(self, moderator_id: UserId, action_id: ActionId, reply: Reply) -> ModerationActionRow:
        """Undo a decision without an appeal; an open appeal is resolved with it.

        Raises NotFound, Forbidden for a decision about the moderator, and Conflict if it is undone already.
        """
        action, case = await self._get_action(action_id)
        if action.action not in SANCTIONS or case is None:
            raise decision_not_found()
        if action.author_id == moderator_id:
            raise Forbidden("Another moderator has to undo decisions about you.", code="own_account")
        return await self._unit_of_work.run(
            partial(self._restore, moderator_id, action, case, reply),
            changes=self._sanctions.changes(action.action, case.subject),
        )

    async def _restore(
        self,
        moderator_id: UserId,
        action: ModerationActionRow,
        case: ReportCaseRow,
        reply: Reply,
        work: WorkContext,
    ) -> ModerationActionRow:
        await self._tables.cases.lock(case.id)  # of two concurrent requests, the second one waits
        appeal = await self._tables.appeals.lock_by_action(action.id)
        if await self._tables.actions.is_undone(action.id):
            raise Conflict("This decision was withdrawn already.", code="already_withdrawn")
        if appeal is not None and appeal.status in (AppealStatus.OPEN, AppealStatus.CLAIMED):
            await self._tables.appeals.resolve(appeal.id, AppealStatus.REVERSED)
        await self._sanctions.undo(action, case.subject, work)
        return await self._record(work, moderator_id, ModerationAction.RESTORE, action, reply)

    async def _record(
        self,
        work: WorkContext,
        moderator_id: UserId,
        outcome: ModerationAction,
        action: ModerationActionRow,
        reply: Reply,
    ) -> ModerationActionRow:
        entry = _entry(work, moderator_id, outcome, action, reply)
        work.emit(PersonModerated(entry.id, action.author_id))
        await self._tables.audit.append(entry)
        return entry

    async def _get_action(self, action_id: ActionId) -> tuple[ModerationActionRow, ReportCaseRow | None]:
        """Return a decision, and its case unless its author was erased. Raises NotFound."""
        action = await self._tables.actions.find(action_id)
        if action is None:
            raise decision_not_found()
        return action, await self._tables.cases.get(action.case_id)

    async def _lock(
        self, moderator_id: UserId, appeal_id: AppealId, work: WorkContext
    ) -> tuple[AppealRow, ModerationActionRow]:
        """Lock an appeal that the moderator may claim or resolve."""
        appeal = await self._tables.appeals.lock(appeal_id)
        if appeal is None:
            raise appeal_not_found()
        if appeal.user_id == moderator_id:
            raise Forbidden("Another moderator has to handle your appeal.", code="own_account")
        if appeal.status not in (AppealStatus.OPEN, AppealStatus.CLAIMED):
            raise Conflict("This appeal is already resolved.", code="already_resolved")
        others = appeal.claimed_by_id not in (None, moderator_id)
        if others and (appeal.claimed_at_ms or 0) + CLAIM_MS > work.now_ms():
            raise Conflict("Another moderator has claimed this appeal.", code="already_claimed")
        action = await self._tables.actions.find(appeal.action_id)
        if action is None:
            raise decision_not_found()
        if action.actor_id == moderator_id and await self._users.has_other(
            (moderator_id, appeal.user_id), Role.MODERATOR, Role.ADMIN
        ):
            raise Forbidden(
                "Another moderator has to handle appeals against your decisions.", code="own_decision"
            )
        return appeal, action

    async def _views(self, rows: Sequence[AppealRow]) -> list[Appeal]:
        authors = await self._cards.get_users(row.user_id for row in rows)
        actions = await self._tables.actions.find_all([row.action_id for row in rows])
        return [
            Appeal(row, authors[row.user_id], actions[row.action_id])
            for row in rows
            if row.user_id in authors and row.action_id in actions
        ]


def appeal_not_found() -> NotFound:
    return NotFound("Appeal not found.")


def _entry(
    work: WorkContext,
    moderator_id: UserId,
    outcome: ModerationAction,
    action: ModerationActionRow,
    reply: Reply,
) -> ModerationActionRow:
    return ModerationActionRow(
        id=ActionId(work.new_id()),
        actor_id=moderator_id,
        action=outcome,
        case_id=action.case_id,
        subject_type=action.subject_type,
        subject_id=action.subject_id,
        author_id=action.author_id,
        created_at_ms=work.now_ms(),
        note=reply.note,
        message=reply.message,
        about_id=action.id,
    )
