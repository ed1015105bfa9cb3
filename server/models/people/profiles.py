"""The columns of `users` that a profile shows, and the counters of follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from server.ids import UserId
from server.models.accounts.users import UserTable
from server.models.conditions import Column
from server.models.database import Database, placeholders
from server.models.people.relationships import RelationshipRow, relationship_columns
from server.models.people.visibility import unblocked_users


@dataclass(frozen=True, slots=True)
class ProfileRow:
    id: UserId
    username: str
    email: str
    pending_email: str
    full_name: str
    bio: str
    website: str
    avatar_key: str
    role: str
    is_private: bool
    search_engines: str
    posts_count: int
    follower_posts_count: int
    close_friend_posts_count: int
    followers_count: int
    following_count: int
    created_at_ms: int


_COLUMNS = ", ".join(f"u.{field.name}" for field in fields(ProfileRow))


@dataclass(frozen=True, slots=True)
class SeenProfile:
    """A profile, and how the viewer relates to it."""

    profile: ProfileRow
    relationship: RelationshipRow


@dataclass(frozen=True, slots=True)
class LockedProfile:
    revision: int
    avatar_key: str
    username_key: str
    is_private: bool


@dataclass(frozen=True, slots=True)
class LockedUser:
    followers_count: int
    is_private: bool


class ProfileRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_ids(self, user_ids: Sequence[UserId]) -> dict[UserId, ProfileRow]:
        """Return the profiles of the users among the ids that exist."""
        rows = await self._database.rows(
            f"SELECT {_COLUMNS} FROM users u WHERE u.id IN ({placeholders(len(user_ids))})", user_ids
        )
        return {UserId(row["id"]): _profile(row) for row in rows}

    async def list_seen(
        self, pairs: Sequence[tuple[UserId, UserId]]
    ) -> dict[tuple[UserId, UserId], SeenProfile]:
        """Return profiles that viewers may get, by viewer and user, in one query; see `unblocked_users`."""
        viewer, user = Column("q.viewer_id"), Column("u.id")
        related, shown = relationship_columns(viewer, user), unblocked_users(viewer, user)
        asked = " UNION ALL ".join(["SELECT ? AS viewer_id, ? AS user_id"] * len(pairs))
        rows = await self._database.rows(
            f"SELECT q.viewer_id, {_COLUMNS}, {related.sql} FROM ({asked}) q JOIN users u ON u.id = q.user_id"
            f" WHERE {shown.sql}",
            [*(each for pair in pairs for each in pair), *related.parameters, *shown.parameters],
        )
        return {
            (UserId(row["viewer_id"]), UserId(row["id"])): SeenProfile(
                _profile(row), RelationshipRow.from_row(row)
            )
            for row in rows
        }

    async def lock(self, user_id: UserId) -> LockedProfile | None:
        """Lock the user until the commit."""
        rows = await self._database.rows(
            "SELECT revision, avatar_key, username_key, is_private FROM users"
            f" WHERE id = ?{self._database.for_update}",
            [user_id],
        )
        if not rows:
            return None
        (row,) = rows
        return LockedProfile(row["revision"], row["avatar_key"], row["username_key"], bool(row["is_private"]))

    async def update(self, user_id: UserId, columns: Mapping[str, str | bool], revision: int) -> None:
        """Set columns of the profile. Raises DuplicateKey for a taken username."""
        await UserTable.filter(id=user_id).update(**columns, revision=revision)

    async def lock_pair(self, user_id: UserId, target_id: UserId) -> LockedUser | None:
        """Lock both users until the commit, in the order of their ids, and return the target."""
        rows = await self._database.rows(
            "SELECT id, followers_count, is_private FROM users WHERE id IN (?, ?)"
            f" ORDER BY id{self._database.for_update}",
            [user_id, target_id],
        )
        for row in rows:
            if row["id"] == target_id:
                return LockedUser(row["followers_count"], bool(row["is_private"]))
        return None

    async def lock_all(self, user_ids: Sequence[UserId]) -> None:
        """Lock users until the commit, in the order of their ids."""
        await self._database.rows(
            f"SELECT id FROM users WHERE id IN ({placeholders(len(user_ids))}) ORDER BY id{self._database.for_update}",
            user_ids,
        )

    async def change_follow_counts(self, follower_id: UserId, followee_id: UserId, change: int) -> None:
        """Update both counters in the order of the ids, as they were locked."""
        statements = {
            follower_id: "UPDATE users SET following_count = following_count + ? WHERE id = ?",
            followee_id: "UPDATE users SET followers_count = followers_count + ? WHERE id = ?",
        }
        for user_id in sorted(statements):
            await self._database.execute(statements[user_id], [change, user_id])


def _profile(row: Mapping[str, Any]) -> ProfileRow:
    values: dict[str, Any] = {field.name: row[field.name] for field in fields(ProfileRow)}
    values["is_private"] = bool(row["is_private"])
    return ProfileRow(**values)
