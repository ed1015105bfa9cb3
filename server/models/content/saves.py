"""Table `saves`: one row per user and saved post."""

from tortoise import fields
from tortoise.models import Model

from server.ids import PostId, UserId
from server.models.conditions import Condition
from server.models.content.posts import ListedPost
from server.models.database import Database

# The name that the index on (user_id, id) has in the migrations.
BY_USER = "idx_saves_user_id_4dff4e"


class SaveTable(Model):
    """The id contains the time, and is the position in the list of saved posts."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "saves"
        unique_together = (("user_id", "post_id"),)
        indexes = (("user_id", "id"),)


class SaveRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: UserId, post_id: PostId) -> int | None:
        """Return the id of a save, or None if there is none."""
        rows = await self._database.rows(
            "SELECT id FROM saves WHERE user_id = ? AND post_id = ?", [user_id, post_id]
        )
        return rows[0]["id"] if rows else None

    async def insert(self, save_id: int, user_id: UserId, post_id: PostId) -> None:
        await SaveTable.create(id=save_id, user_id=user_id, post_id=post_id)

    async def delete(self, user_id: UserId, post_id: PostId) -> bool:
        """Delete a save and with it the post from all collections. Return whether there was one."""
        return (
            await self._database.execute(
                "DELETE FROM saves WHERE user_id = ? AND post_id = ?", [user_id, post_id]
            )
            > 0
        )

    async def list_by_user(
        self, user_id: UserId, visible: Condition, before_id: int, limit: int
    ) -> list[ListedPost]:
        """Return the saved posts `p` that satisfy `visible`, newest save first."""
        rows = await self._database.rows(
            f"SELECT s.id, s.post_id FROM saves s{self._database.force_index(BY_USER)} JOIN posts p ON p.id = s.post_id"
            f" WHERE s.user_id = ? AND s.id < ? AND {visible.sql} ORDER BY s.id DESC LIMIT ?",
            [user_id, before_id, *visible.parameters, limit],
        )
        return [ListedPost(row["id"], PostId(row["post_id"])) for row in rows]
