"""Table `import_items`: what was imported for a user, so that a repeated import does not repeat it."""

from tortoise import fields
from tortoise.models import Model

from server.ids import PostId, UserId
from server.models.database import Database


class ImportItemTable(Model):
    """`source` is a digest of where a post comes from; `post_id` is a plain number, because the post may be deleted."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    source = fields.CharField(max_length=64)
    post_id = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "import_items"
        unique_together = (("user_id", "source"),)


class ImportItemRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, item_id: int, user_id: UserId, source: str, post_id: PostId) -> None:
        """Record an imported post. Raises DuplicateKey if another process imported it at the same time."""
        await self._database.execute(
            "INSERT INTO import_items (id, user_id, source, post_id) VALUES (?, ?, ?, ?)",
            [item_id, user_id, source, post_id],
        )

    async def exists(self, user_id: UserId, source: str) -> bool:
        return bool(
            await self._database.rows(
                "SELECT 1 FROM import_items WHERE user_id = ? AND source = ?", [user_id, source]
            )
        )

    async def list_sources(self, user_id: UserId) -> set[str]:
        """Return the digests of everything that was imported for a user."""
        rows = await self._database.rows("SELECT source FROM import_items WHERE user_id = ?", [user_id])
        return {row["source"] for row in rows}
