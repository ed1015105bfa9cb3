"""Table `hashtag_follows`: one row per user and followed hashtag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import HashtagId, UserId
from server.models.database import Database, placeholders


class HashtagFollowTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    hashtag_id = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "hashtag_follows"
        unique_together = (("user_id", "hashtag_id"),)
        indexes = (("user_id", "id"),)


@dataclass(frozen=True, slots=True)
class FollowedHashtag:
    """A followed hashtag; the id is that of the follow, and its position in the list."""

    id: int
    tag: str
    posts_count: int


class HashtagFollowRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_by_user(self, user_id: UserId, before_id: int, limit: int) -> list[FollowedHashtag]:
        """Return the hashtags that a user follows, newest follow first."""
        rows = await self._database.rows(
            "SELECT f.id, h.tag, h.posts_count FROM hashtag_follows f JOIN hashtags h ON h.id = f.hashtag_id"
            " WHERE f.user_id = ? AND f.id < ? ORDER BY f.id DESC LIMIT ?",
            [user_id, before_id, limit],
        )
        return [FollowedHashtag(row["id"], row["tag"], row["posts_count"]) for row in rows]

    async def list_ids(self, user_id: UserId) -> list[HashtagId]:
        """Return all hashtags that a user follows, in no order."""
        rows = await self._database.rows(
            "SELECT hashtag_id FROM hashtag_follows WHERE user_id = ?", [user_id]
        )
        return [HashtagId(row["hashtag_id"]) for row in rows]

    async def filter_followed(self, user_id: UserId, hashtag_ids: Sequence[HashtagId]) -> set[HashtagId]:
        """Return which of the hashtags a user follows."""
        if not hashtag_ids:
            return set()
        rows = await self._database.rows(
            "SELECT hashtag_id FROM hashtag_follows"
            f" WHERE user_id = ? AND hashtag_id IN ({placeholders(len(hashtag_ids))})",
            [user_id, *hashtag_ids],
        )
        return {HashtagId(row["hashtag_id"]) for row in rows}

    async def insert(self, follow_id: int, user_id: UserId, hashtag_id: HashtagId) -> None:
        """Insert a follow, and mark the hashtag, whose row is locked, so that new posts update its list."""
        values: list[Any] = [follow_id, user_id, hashtag_id]
        await self._database.execute(
            "INSERT INTO hashtag_follows (id, user_id, hashtag_id) VALUES (?, ?, ?)", values
        )
        await self._database.execute("UPDATE hashtags SET followed = 1 WHERE id = ?", [hashtag_id])

    async def delete(self, user_id: UserId, hashtag_id: HashtagId) -> bool:
        """Return whether there was such a follow."""
        return bool(
            await self._database.execute(
                "DELETE FROM hashtag_follows WHERE user_id = ? AND hashtag_id = ?", [user_id, hashtag_id]
            )
        )
