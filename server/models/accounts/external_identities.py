"""Table `external_identities`: accounts at identity providers with which users sign in."""

from dataclasses import asdict, dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.database import Database


class ExternalIdentityTable(Model):
    """`subject_hash` is SHA-256 of the issuer and its identifier of the person; `email` is only shown to the user."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    provider = fields.CharField(max_length=32)
    subject_hash = fields.CharField(max_length=64, unique=True)
    email = fields.CharField(max_length=254, default="", db_default="")
    created_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "external_identities"
        unique_together = (("user_id", "provider"),)


@dataclass(frozen=True, slots=True)
class NewExternalIdentity:
    id: int
    user_id: UserId
    provider: str
    subject_hash: str
    email: str
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class ExternalIdentityRow:
    provider: str
    email: str
    created_at_ms: int


class ExternalIdentityRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, identity: NewExternalIdentity) -> None:
        """Raise DuplicateKey if a user has this identity, or this user has another one of the provider."""
        await ExternalIdentityTable.create(**asdict(identity))

    async def find_user(self, subject_hash: str) -> UserId | None:
        rows = await self._database.rows(
            "SELECT user_id FROM external_identities WHERE subject_hash = ?", [subject_hash]
        )
        return UserId(rows[0]["user_id"]) if rows else None

    async def list_by_user(self, user_id: UserId) -> list[ExternalIdentityRow]:
        """Return a user's identities, the oldest first; at most one per provider."""
        rows = await self._database.rows(
            "SELECT provider, email, created_at_ms FROM external_identities WHERE user_id = ? ORDER BY id",
            [user_id],
        )
        return [ExternalIdentityRow(**row) for row in rows]

    async def count(self, user_id: UserId) -> int:
        rows = await self._database.rows(
            "SELECT COUNT(*) AS n FROM external_identities WHERE user_id = ?", [user_id]
        )
        return rows[0]["n"]

    async def delete(self, user_id: UserId, provider: str) -> bool:
        """Return whether the user had an identity of this provider."""
        return bool(
            await self._database.execute(
                "DELETE FROM external_identities WHERE user_id = ? AND provider = ?", [user_id, provider]
            )
        )

    async def delete_newer(self, user_id: UserId, created_after_ms: int) -> None:
        """Delete the identities that were linked later."""
        await self._database.execute(
            "DELETE FROM external_identities WHERE user_id = ? AND created_at_ms > ?",
            [user_id, created_after_ms],
        )
