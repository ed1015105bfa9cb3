"""Table `former_usernames`: names that were given up, and that only their former owner may take for a while."""

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database


class FormerUsernameTable(Model):
    """`user_id` is no foreign key, so that the name of a deleted account stays reserved."""

    id = fields.BigIntField(primary_key=True, generated=False)
    username_key = fields.CharField(max_length=60, unique=True)
    user_id = fields.BigIntField()
    reserved_until_ms = fields.BigIntField(db_index=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "former_usernames"


class FormerUsernameRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, row_id: int, username_key: str, user_id: UserId, duration_ms: int) -> None:
        """Reserve a name for its former owner; call in the transaction that gives it up."""
        await self.release(username_key)
        await self._database.execute(
            "INSERT INTO former_usernames (id, username_key, user_id, reserved_until_ms)"
            f" VALUES (?, ?, ?, {self._database.now_ms} + ?)",
            [row_id, username_key, user_id, duration_ms],
        )

    async def release(self, username_key: str) -> None:
        await self._database.execute("DELETE FROM former_usernames WHERE username_key = ?", [username_key])

    async def find_owner(self, username_key: str) -> UserId | None:
        """Return the former owner of a name that is still reserved."""
        rows = await self._database.rows(
            "SELECT user_id FROM former_usernames WHERE username_key = ?"
            f" AND reserved_until_ms > {self._database.now_ms}",
            [username_key],
        )
        return UserId(rows[0]["user_id"]) if rows else None

    async def delete_expired(self) -> int:
        """Delete reservations that have ended. Return how many."""
        select = (
            f"SELECT id FROM former_usernames WHERE reserved_until_ms <= {self._database.now_ms}"
            f" ORDER BY reserved_until_ms LIMIT {DELETE_BATCH}"
        )
        return await delete_in_batches(self._database, "former_usernames", select)
