"""Relationships of one user to others, read from the tables of pairs in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.ids import UserId
from server.models.database import Database, placeholders


@dataclass(frozen=True, slots=True)
class RelationshipRow:
    following: bool
    requested: bool
    followed_by: bool
    blocking: bool
    muting: bool
    blocked_by: bool
    close_friend_of: bool


class RelationshipRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, viewer_id: UserId, user_ids: Sequence[UserId]) -> Mapping[UserId, RelationshipRow]:
        """Return the viewer's relationship to each of the users that exist."""
        if not user_ids:
            return {}
        rows = await self._database.rows(
            "SELECT u.id,"
            " EXISTS(SELECT 1 FROM follows WHERE follower_id = ? AND followee_id = u.id) AS following,"
            " EXISTS(SELECT 1 FROM follow_requests WHERE requester_id = ? AND target_id = u.id) AS requested,"
            " EXISTS(SELECT 1 FROM follows WHERE follower_id = u.id AND followee_id = ?) AS followed_by,"
            " EXISTS(SELECT 1 FROM blocks WHERE blocker_id = ? AND blocked_id = u.id) AS blocking,"
            " EXISTS(SELECT 1 FROM mutes WHERE muter_id = ? AND muted_id = u.id) AS muting,"
            " EXISTS(SELECT 1 FROM blocks WHERE blocker_id = u.id AND blocked_id = ?) AS blocked_by,"
            " EXISTS(SELECT 1 FROM close_friends WHERE owner_id = u.id AND friend_id = ?) AS close_friend_of"
            f" FROM users u WHERE u.id IN ({placeholders(len(user_ids))})",
            [viewer_id] * 7 + [*user_ids],
        )
        return {
            UserId(row["id"]): RelationshipRow(
                bool(row["following"]),
                bool(row["requested"]),
                bool(row["followed_by"]),
                bool(row["blocking"]),
                bool(row["muting"]),
                bool(row["blocked_by"]),
                bool(row["close_friend_of"]),
            )
            for row in rows
        }
