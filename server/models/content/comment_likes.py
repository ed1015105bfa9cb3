"""Table `comment_likes`: one row per user and liked comment."""

from tortoise import fields
from tortoise.models import Model

from server.ids import CommentId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import Condition
from server.models.content.likes import LikeRow
from server.models.database import Database


class CommentLikeTable(Model):
    """The likes of a comment are deleted with it."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    comment_id: int
    comment = fields.ForeignKeyField(
        "models.CommentTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "comment_likes"
        unique_together = (("user_id", "comment_id"),)
        indexes = (("comment_id", "id"),)


class CommentLikeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def exists(self, user_id: UserId, comment_id: CommentId) -> bool:
        return await CommentLikeTable.filter(user_id=user_id, comment_id=comment_id).exists()

    async def insert(self, like_id: int, user_id: UserId, comment_id: CommentId) -> None:
        await CommentLikeTable.create(id=like_id, user_id=user_id, comment_id=comment_id)

    async def delete(self, user_id: UserId, comment_id: CommentId) -> bool:
        """Return whether there was such a like."""
        return bool(await CommentLikeTable.filter(user_id=user_id, comment_id=comment_id).delete())

    async def list_by_comment(
        self, comment_id: CommentId, visible: Condition, before_id: int, limit: int
    ) -> list[LikeRow]:
        """Return the likes of a comment by users `u` that satisfy `visible`, newest first."""
        rows = await self._database.rows(
            f"SELECT l.id, {USER_COLUMNS} FROM comment_likes l JOIN users u ON u.id = l.user_id"
            f" WHERE l.comment_id = ? AND l.id < ? AND {visible.sql} ORDER BY l.id DESC LIMIT ?",
            [comment_id, before_id, *visible.parameters, limit],
        )
        return [LikeRow(row["id"], UserCardRow.from_row(row)) for row in rows]
