"""Decisions about a person, as that person sees them: without the moderator, the note and the reporters."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.errors import NotFound
from server.ids import MAX_ID, ActionId, UserId
from server.models.moderation.actions import NOTIFIED, SANCTIONS, ModerationActionRepository, NoticeRow
from server.models.moderation.appeals import AppealRepository, AppealRow
from server.paging import Page, PageRequest, cut

__all__ = ["NOTIFIED", "SANCTIONS", "OwnDecision", "OwnDecisions", "decision_not_found"]


@dataclass(frozen=True, slots=True)
class OwnDecision:
    """A decision, and the user's appeal against it, if there is one."""

    notice: NoticeRow
    appeal: AppealRow | None


class OwnDecisions:
    def __init__(self, actions: ModerationActionRepository, appeals: AppealRepository) -> None:
        self._actions = actions
        self._appeals = appeals

    async def list_page(self, user_id: UserId, request: PageRequest) -> Page[OwnDecision]:
        """Return the decisions about a user's account and content, newest first."""
        rows = await self._actions.list_notices(user_id, request.before_id, request.limit + 1)
        page = cut(rows, request.limit, lambda row: row.action.id)
        return Page(await self._with_appeals(page.items), page.next_cursor)

    async def get(self, user_id: UserId, action_id: ActionId) -> OwnDecision:
        """Return one of them. Raises NotFound."""
        rows = await self._actions.list_notices(user_id, MAX_ID, 1, action_id)
        if not rows:
            raise decision_not_found()
        return (await self._with_appeals(rows))[0]

    async def _with_appeals(self, notices: Sequence[NoticeRow]) -> list[OwnDecision]:
        appeals = await self._appeals.list_by_actions([notice.action.id for notice in notices])
        return [OwnDecision(notice, appeals.get(notice.action.id)) for notice in notices]


def decision_not_found() -> NotFound:
    return NotFound("Decision not found.")
