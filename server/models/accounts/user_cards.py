"""The columns of `users` that a card shows, for statements that join the table as `u`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.ids import UserId
from server.models.conditions import ALL, Condition
from server.models.database import Database, placeholders

USER_COLUMNS = (
    "u.id AS user_id, u.username, u.full_name, u.avatar_key, u.role, u.is_private,"
    " u.revision AS user_revision"
)


@dataclass(frozen=True, slots=True)
class UserCardRow:
    """A user as selected by `USER_COLUMNS`; `avatar_key` is empty without an avatar."""

    id: UserId
    username: str
    full_name: str
    avatar_key: str
    role: str
    revision: int
    is_private: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "UserCardRow":
        return cls(
            UserId(row["user_id"]),
            row["username"],
            row["full_name"],
            row["avatar_key"],
            row["role"],
            row["user_revision"],
            bool(row["is_private"]),
        )


class UserCardRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_ids(self, user_ids: Sequence[UserId], visible: Condition = ALL) -> list[UserCardRow]:
        """Return the users `u` among `user_ids` that satisfy `visible`, in no particular order."""
        rows = await self._database.rows(
            f"SELECT {USER_COLUMNS} FROM users u WHERE u.id IN ({placeholders(len(user_ids))}) AND {visible.sql}",
            [*user_ids, *visible.parameters],
        )
        return [UserCardRow.from_row(row) for row in rows]
