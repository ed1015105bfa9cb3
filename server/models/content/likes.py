"""Table `likes`: one row per user and liked post."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import PostId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import Condition
from server.models.content.posts import ListedPost
from server.models.database import Database

# The name that the index on (user_id, id) has in the migrations.
BY_USER = "idx_likes_user_id_776323"


class LikeTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "likes"
        unique_together = (("user_id", "post_id"),)
        indexes = (("post_id", "id"), ("user_id", "id"))


@dataclass(frozen=True, slots=True)
class LikeRow:
    id: int
    user: UserCardRow


class LikeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def exists(self, user_id: UserId, post_id: PostId) -> bool:
        return await LikeTable.filter(user_id=user_id, post_id=post_id).exists()

    async def insert(self, like_id: int, user_id: UserId, post_id: PostId) -> None:
        await LikeTable.create(id=like_id, user_id=user_id, post_id=post_id)

    async def delete(self, user_id: UserId, post_id: PostId) -> bool:
        """Return whether there was such a like."""
        return bool(await LikeTable.filter(user_id=user_id, post_id=post_id).delete())

    async def list_by_post(
        self, post_id: PostId, visible: Condition, before_id: int, limit: int
    ) -> list[LikeRow]:
        """Return the likes of a post by users `u` that satisfy `visible`, newest first."""
        rows = await self._database.rows(
            f"SELECT l.id, {USER_COLUMNS} FROM likes l JOIN users u ON u.id = l.user_id"
            f" WHERE l.post_id = ? AND l.id < ? AND {visible.sql} ORDER BY l.id DESC LIMIT ?",
            [post_id, before_id, *visible.parameters, limit],
        )
        return [LikeRow(row["id"], UserCardRow.from_row(row)) for row in rows]

    async def list_by_user(
        self, user_id: UserId, visible: Condition, before_id: int, limit: int
    ) -> list[ListedPost]:
        """Return the posts `p` that a user likes and that satisfy `visible`, newest like first."""
        rows = await self._database.rows(
            f"SELECT l.id, l.post_id FROM likes l{self._database.force_index(BY_USER)} JOIN posts p ON p.id = l.post_id"
            f" WHERE l.user_id = ? AND l.id < ? AND {visible.sql} ORDER BY l.id DESC LIMIT ?",
            [user_id, before_id, *visible.parameters, limit],
        )
        return [ListedPost(row["id"], PostId(row["post_id"])) for row in rows]
