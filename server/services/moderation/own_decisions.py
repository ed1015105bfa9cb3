"""Decisions about a person, as that person sees them: without the moderator, the note and the reporters."""

from server.errors import NotFound
from server.ids import MAX_ID, ActionId, UserId
from server.models.moderation.actions import NOTIFIED, SANCTIONS, ModerationActionRepository, NoticeRow
from server.paging import Page, PageRequest, cut

__all__ = ["NOTIFIED", "SANCTIONS", "NoticeRow", "OwnDecisions", "decision_not_found"]


class OwnDecisions:
    def __init__(self, actions: ModerationActionRepository) -> None:
        self._actions = actions

    async def list_page(self, user_id: UserId, request: PageRequest) -> Page[NoticeRow]:
        """Return the decisions about a user's account and content, newest first."""
        rows = await self._actions.list_notices(user_id, request.before_id, request.limit + 1)
        return cut(rows, request.limit, lambda row: row.action.id)

    async def get(self, user_id: UserId, action_id: ActionId) -> NoticeRow:
        """Return one of them. Raises NotFound."""
        rows = await self._actions.list_notices(user_id, MAX_ID, 1, action_id)
        if not rows:
            raise decision_not_found()
        return rows[0]


def decision_not_found() -> NotFound:
    return NotFound("Decision not found.")
