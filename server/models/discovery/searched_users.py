"""Users as a search lists them first: those that a viewer follows."""

from dataclasses import dataclass

from server.ids import UserId
from server.models.database import Database

MAX_FOLLOWEES = 2000


@dataclass(frozen=True, slots=True)
class FolloweeRow:
    """A followed user with the folded name; `mutual` if the user follows back."""

    user_id: UserId
    text: str
    tier: int
    mutual: bool


class SearchedUserRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_followees(self, viewer_id: UserId) -> list[FolloweeRow]:
        """Return the 2,000 users that the viewer followed last, in no particular order."""
        rows = await self._database.rows(
            "SELECT e.subject_id, e.text, e.tier, EXISTS(SELECT 1 FROM follows b WHERE b.follower_id = e.subject_id"
            " AND b.followee_id = ?) AS mutual FROM (SELECT followee_id FROM follows WHERE follower_id = ?"
            " ORDER BY id DESC LIMIT ?) f JOIN search_entries e ON e.subject_id = f.followee_id",
            [viewer_id, viewer_id, MAX_FOLLOWEES],
        )
        return [
            FolloweeRow(UserId(row["subject_id"]), row["text"], row["tier"], bool(row["mutual"]))
            for row in rows
        ]
