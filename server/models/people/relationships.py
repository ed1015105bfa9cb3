"""Relationships of one user to others: the columns of any statement, and one statement for many users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.ids import UserId
from server.models.conditions import Column, Condition
from server.models.database import Database, placeholders
from server.models.people.visibility import (
    BLOCKS,
    HAS_AS_CLOSE_FRIEND,
    HAS_REQUEST,
    IS_BLOCKED,
    IS_FOLLOWED,
    IS_FOLLOWER,
    IS_MUTED,
)
from server.models.rules import select

FACTS = (IS_FOLLOWED, HAS_REQUEST, IS_FOLLOWER, IS_BLOCKED, IS_MUTED, BLOCKS, HAS_AS_CLOSE_FRIEND)


@dataclass(frozen=True, slots=True)
class RelationshipRow:
    following: bool
    requested: bool
    followed_by: bool
    blocking: bool
    muting: bool
    blocked_by: bool
    close_friend_of: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "RelationshipRow":
        """Return the relationship that `relationship_columns` selected."""
        return cls(*(bool(row[fact.name]) for fact in FACTS))


def relationship_columns(viewer: UserId | Column, user: Column) -> Condition:
    """Return the columns of the viewer's relationship to the user that a column names."""
    return select(FACTS, viewer=viewer, user=user)


class RelationshipRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, viewer_id: UserId, user_ids: Sequence[UserId]) -> Mapping[UserId, RelationshipRow]:
        """Return the viewer's relationship to each of the users that exist."""
        if not user_ids:
            return {}
        columns = relationship_columns(viewer_id, Column("u.id"))
        rows = await self._database.rows(
            f"SELECT u.id, {columns.sql} FROM users u WHERE u.id IN ({placeholders(len(user_ids))})",
            [*columns.parameters, *user_ids],
        )
        return {UserId(row["id"]): RelationshipRow.from_row(row) for row in rows}
