"""Table `second_factors`: the secrets of authenticator apps, encrypted."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.database import Database


class SecondFactorTable(Model):
    """A row without `enabled_at_ms` is a set-up that was not confirmed. `last_step` is the newest time step used."""

    user = fields.OneToOneField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, primary_key=True
    )
    secret = fields.CharField(max_length=200)
    created_at_ms = fields.BigIntField()
    enabled_at_ms = fields.BigIntField(null=True)
    last_step = fields.BigIntField(default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "second_factors"


@dataclass(frozen=True, slots=True)
class SecondFactorRow:
    """A second factor, and the database's time when it was read."""

    secret: str
    created_at_ms: int
    enabled_at_ms: int | None
    last_step: int
    now_ms: int


class SecondFactorRepository:
    """Writers lock the user first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UserId) -> SecondFactorRow | None:
        rows = await self._database.rows(
            "SELECT secret, created_at_ms, enabled_at_ms, last_step,"
            f" {self._database.now_ms} AS now_ms FROM second_factors WHERE user_id = ?",
            [user_id],
        )
        return SecondFactorRow(**rows[0]) if rows else None

    async def is_enabled(self, user_id: UserId) -> bool:
        return bool(
            await self._database.rows(
                "SELECT 1 FROM second_factors WHERE user_id = ? AND enabled_at_ms IS NOT NULL", [user_id]
            )
        )

    async def replace_setup(self, user_id: UserId, secret: str) -> None:
        """Begin a set-up, in place of an earlier one that was not confirmed."""
        await self._database.execute(
            "DELETE FROM second_factors WHERE user_id = ? AND enabled_at_ms IS NULL", [user_id]
        )
        await self._database.execute(
            "INSERT INTO second_factors (user_id, secret, created_at_ms, last_step)"
            f" VALUES (?, ?, {self._database.now_ms}, 0)",
            [user_id, secret],
        )

    async def enable(self, user_id: UserId, step: int) -> None:
        await self._database.execute(
            f"UPDATE second_factors SET enabled_at_ms = {self._database.now_ms}, last_step = ? WHERE user_id = ?",
            [step, user_id],
        )

    async def set_last_step(self, user_id: UserId, step: int) -> None:
        await self._database.execute(
            "UPDATE second_factors SET last_step = ? WHERE user_id = ?", [step, user_id]
        )

    async def delete(self, user_id: UserId) -> bool:
        """Return whether there was one."""
        return bool(await self._database.execute("DELETE FROM second_factors WHERE user_id = ?", [user_id]))

    async def delete_newer(self, user_id: UserId, enabled_after_ms: int) -> bool:
        """Delete a second factor that was enabled later, or not yet. Return whether there was one."""
        return bool(
            await self._database.execute(
                "DELETE FROM second_factors WHERE user_id = ? AND (enabled_at_ms IS NULL OR enabled_at_ms > ?)",
                [user_id, enabled_after_ms],
            )
        )
