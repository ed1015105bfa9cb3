"""The columns of `users` that a profile shows, and the counters of follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.ids import UserId
from server.models.accounts.users import UserTable
from server.models.database import Database, placeholders


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

    async def get(self, user_id: UserId) -> ProfileRow | None:
        user = await UserTable.filter(id=user_id).first()
        if user is None:
            return None
        return ProfileRow(
            id=UserId(user.id),
            username=user.username,
            email=user.email,
            pending_email=user.pending_email,
            full_name=user.full_name,
            bio=user.bio,
            website=user.website,
            avatar_key=user.avatar_key,
            role=user.role,
            is_private=bool(user.is_private),
            search_engines=user.search_engines,
            posts_count=user.posts_count,
            follower_posts_count=user.follower_posts_count,
            close_friend_posts_count=user.close_friend_posts_count,
            followers_count=user.followers_count,
            following_count=user.following_count,
            created_at_ms=user.created_at_ms,
        )

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
