"""Appeals of users against decisions about them: one per decision, within 30 days."""

from functools import partial

from server.errors import Conflict
from server.ids import ActionId, AppealId, UserId
from server.models.database import DuplicateKey
from server.models.moderation.actions import SANCTIONS, ModerationAction, ModerationActionRow
from server.models.moderation.appeals import AppealRow
from server.services.accounts.appeal_tokens import AppealTokens, appealable_until_ms
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.moderation.own_decisions import decision_not_found
from server.services.moderation.tables import ModerationTables


class Appeals:
    def __init__(self, tables: ModerationTables, tokens: AppealTokens, unit_of_work: UnitOfWork) -> None:
        self._tables = tables
        self._tokens = tokens
        self._unit_of_work = unit_of_work

    async def appeal(self, user_id: UserId, action_id: ActionId, comment: str) -> AppealRow:
        """Appeal against a decision about the user.

        Raises NotFound for another decision, and Conflict for a second appeal, after 30 days, and if the decision was
        withdrawn.
        """
        try:
            appeal_id = await self._unit_of_work.run(partial(self._insert, user_id, action_id, comment))
        except DuplicateKey as error:
            raise Conflict(
                "You have already appealed against this decision.", code="already_appealed"
            ) from error
        appeal = await self._tables.appeals.get(appeal_id)
        if appeal is None:
            raise decision_not_found()
        return appeal

    async def appeal_by_token(self, token: str, comment: str) -> AppealRow:
        """Appeal without a session. Raises InvalidInput for an invalid token, and what `appeal` raises."""
        user_id, action_id = self._tokens.decode(token)
        return await self.appeal(user_id, action_id, comment)

    async def _insert(
        self, user_id: UserId, action_id: ActionId, comment: str, work: WorkContext
    ) -> AppealId:
        action = await self._tables.actions.find(action_id)
        if action is None or action.author_id != user_id or action.action not in SANCTIONS:
            raise decision_not_found()
        now_ms = work.now_ms()
        if await self._tables.actions.is_undone(action_id):
            raise Conflict("This decision was withdrawn.", code="already_withdrawn")
        if now_ms >= appealable_until_ms(action.created_at_ms):
            raise Conflict("The time to appeal against this decision is over.", code="appeal_expired")
        appeal_id = AppealId(work.new_id())
        await self._tables.appeals.insert(appeal_id, action_id, user_id, comment)
        entry = ModerationActionRow(
            id=ActionId(work.new_id()),
            actor_id=user_id,
            action=ModerationAction.APPEAL,
            case_id=action.case_id,
            subject_type=action.subject_type,
            subject_id=action.subject_id,
            author_id=user_id,
            created_at_ms=now_ms,
            about_id=action_id,
        )
        await self._tables.audit.append(entry)
        return appeal_id
