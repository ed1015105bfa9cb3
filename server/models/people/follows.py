"""Table `follows`: one row per follower and followee."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.database import Database


class FollowTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    follower_id: int
    follower = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    followee_id: int
    followee = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "follows"
        unique_together = (("follower_id", "followee_id"),)
        # A fan-out pages through an author's followers by (followee_id, follower_id).
        indexes = (("followee_id", "follower_id"), ("followee_id", "id"), ("follower_id", "id"))


@dataclass(frozen=True, slots=True)
class FollowRow:
    """A follow, with the user at its other end."""

    id: int
    user: UserCardRow


class FollowRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def exists(self, follower_id: UserId, followee_id: UserId) -> bool:
        return await FollowTable.filter(follower_id=follower_id, followee_id=followee_id).exists()

    async def insert(self, follow_id: int, follower_id: UserId, followee_id: UserId) -> None:
        await FollowTable.create(id=follow_id, follower_id=follower_id, followee_id=followee_id)

    async def delete(self, follower_id: UserId, followee_id: UserId) -> bool:
        """Return whether there was such a follow."""
        return bool(await FollowTable.filter(follower_id=follower_id, followee_id=followee_id).delete())

    async def list_followers(self, user_id: UserId, before_id: int, limit: int) -> list[FollowRow]:
        """Return the followers of a user, newest follow first."""
        return await self._list("f.follower_id", "f.followee_id", user_id, before_id, limit)

    async def list_following(self, user_id: UserId, before_id: int, limit: int) -> list[FollowRow]:
        """Return the users that a user follows, newest follow first."""
        return await self._list("f.followee_id", "f.follower_id", user_id, before_id, limit)

    async def list_between(self, one: UserId, other: UserId) -> set[UserId]:
        """Return which of two users follow the other one."""
        rows = await self._database.rows(
            "SELECT follower_id FROM follows WHERE (follower_id = ? AND followee_id = ?)"
            " OR (follower_id = ? AND followee_id = ?)",
            [one, other, other, one],
        )
        return {UserId(row["follower_id"]) for row in rows}

    async def _list(
        self, shown: str, owner: str, user_id: UserId, before_id: int, limit: int
    ) -> list[FollowRow]:
        rows = await self._database.rows(
            f"SELECT f.id, {USER_COLUMNS} FROM follows f JOIN users u ON u.id = {shown}"
            f" WHERE {owner} = ? AND f.id < ? ORDER BY f.id DESC LIMIT ?",
            [user_id, before_id, limit],
        )
        return [FollowRow(row["id"], UserCardRow.from_row(row)) for row in rows]
