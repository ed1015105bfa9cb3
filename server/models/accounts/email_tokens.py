"""Table `email_tokens`: SHA-256 hashes of the tokens in links that are e-mailed to users."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database, placeholders


class EmailTokenPurpose(StrEnum):
    """Uses of a token by the owner of the address.

    verify: prove that the address is theirs. reset: set a new password. recover: take the account back from another
    person, with this address.
    """

    VERIFY = "verify"
    RESET = "reset"
    RECOVER = "recover"


class EmailTokenTable(Model):
    """`email` is the address that the token was sent to."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    purpose = fields.CharField(max_length=16)
    token_hash = fields.CharField(max_length=64, unique=True)
    email = fields.CharField(max_length=254)
    expires_at_ms = fields.BigIntField(db_index=True)
    created_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "email_tokens"
        indexes = (("user_id", "purpose", "id"),)


@dataclass(frozen=True, slots=True)
class NewEmailToken:
    id: int
    user_id: UserId
    purpose: EmailTokenPurpose
    token_hash: str
    email: str
    created_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class EmailTokenRow:
    id: int
    user_id: UserId
    email: str


class EmailTokenRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, token: NewEmailToken) -> None:
        await EmailTokenTable.create(**asdict(token))

    async def find(self, purpose: EmailTokenPurpose, token_hash: str) -> EmailTokenRow | None:
        """Return an unexpired token."""
        rows = await self._database.rows(
            "SELECT id, user_id, email FROM email_tokens WHERE token_hash = ? AND purpose = ?"
            f" AND expires_at_ms > {self._database.now_ms}",
            [token_hash, purpose],
        )
        return EmailTokenRow(**rows[0]) if rows else None

    async def delete_by_user(
        self, user_id: UserId, purposes: Collection[EmailTokenPurpose], from_id: int = 0
    ) -> None:
        """Delete a user's tokens of some purposes, except those that were created before the token `from_id`."""
        await self._database.execute(
            f"DELETE FROM email_tokens WHERE user_id = ? AND purpose IN ({placeholders(len(purposes))}) AND id >= ?",
            [user_id, *purposes, from_id],
        )

    async def delete_expired(self) -> int:
        """Delete expired tokens. Return how many."""
        select = (
            f"SELECT id FROM email_tokens WHERE expires_at_ms < {self._database.now_ms}"
            f" ORDER BY expires_at_ms LIMIT {DELETE_BATCH}"
        )
        return await delete_in_batches(self._database, "email_tokens", select)
