"""Table `passkeys`: WebAuthn credentials with which users sign in."""

from dataclasses import asdict, dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import PasskeyId, UserId
from server.models.database import Database


class PasskeyTable(Model):
    """`credential_id` and `public_key` are Base64url; `credential_hash` is SHA-256 of the id, which may be long.

    `transports` are separated by commas. `sign_count` is 0 for passkeys that do not count.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    credential_hash = fields.CharField(max_length=64, unique=True)
    credential_id = fields.CharField(max_length=1400)
    public_key = fields.CharField(max_length=1400)
    sign_count = fields.BigIntField()
    name = fields.CharField(max_length=60)
    aaguid = fields.CharField(max_length=36)
    transports = fields.CharField(max_length=100)
    backup_eligible = fields.SmallIntField()
    backed_up = fields.SmallIntField()
    created_at_ms = fields.BigIntField()
    last_used_at_ms = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "passkeys"
        indexes = (("user_id", "id"),)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    id: PasskeyId
    user_id: UserId
    credential_hash: str
    credential_id: str
    public_key: str
    sign_count: int
    name: str
    aaguid: str
    transports: str
    backup_eligible: bool
    backed_up: bool
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    id: PasskeyId
    credential_id: str
    name: str
    aaguid: str
    transports: str
    backup_eligible: int
    backed_up: int
    created_at_ms: int
    last_used_at_ms: int | None


@dataclass(frozen=True, slots=True)
class PasskeyKeyRow:
    """The columns that verify a sign-in."""

    id: PasskeyId
    user_id: UserId
    credential_hash: str
    public_key: str
    sign_count: int
    name: str


_LISTED = (
    "id, credential_id, name, aaguid, transports, backup_eligible, backed_up, created_at_ms, last_used_at_ms"
)


class PasskeyRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, passkey: NewPasskey) -> None:
        """Raise DuplicateKey if a user has this credential."""
        await PasskeyTable.create(**asdict(passkey))

    async def list_by_user(self, user_id: UserId) -> list[PasskeyRow]:
        """Return a user's passkeys, the oldest first."""
        rows = await self._database.rows(
            f"SELECT {_LISTED} FROM passkeys WHERE user_id = ? ORDER BY id", [user_id]
        )
        return [PasskeyRow(**row) for row in rows]

    async def count(self, user_id: UserId) -> int:
        rows = await self._database.rows("SELECT COUNT(*) AS n FROM passkeys WHERE user_id = ?", [user_id])
        return rows[0]["n"]

    async def find(self, credential_hash: str) -> PasskeyKeyRow | None:
        return await self._find(credential_hash, "")

    async def lock(self, credential_hash: str) -> PasskeyKeyRow | None:
        """Lock the passkey until the commit, so that concurrent uses see each other's count."""
        return await self._find(credential_hash, self._database.for_update)

    async def set_used(self, passkey_id: PasskeyId, sign_count: int, *, backed_up: bool) -> None:
        await self._database.execute(
            "UPDATE passkeys SET sign_count = ?, backed_up = ?,"
            f" last_used_at_ms = {self._database.now_ms} WHERE id = ?",
            [sign_count, int(backed_up), passkey_id],
        )

    async def rename(self, user_id: UserId, passkey_id: PasskeyId, name: str) -> bool:
        """Return whether the user has this passkey."""
        return bool(
            await self._database.execute(
                "UPDATE passkeys SET name = ? WHERE id = ? AND user_id = ?", [name, passkey_id, user_id]
            )
        )

    async def delete(self, user_id: UserId, passkey_id: PasskeyId) -> bool:
        """Return whether the user had this passkey."""
        return bool(
            await self._database.execute(
                "DELETE FROM passkeys WHERE id = ? AND user_id = ?", [passkey_id, user_id]
            )
        )

    async def delete_newer(self, user_id: UserId, created_after_ms: int) -> None:
        """Delete the passkeys that were created later."""
        await self._database.execute(
            "DELETE FROM passkeys WHERE user_id = ? AND created_at_ms > ?", [user_id, created_after_ms]
        )

    async def _find(self, credential_hash: str, lock: str) -> PasskeyKeyRow | None:
        rows = await self._database.rows(
            "SELECT id, user_id, credential_hash, public_key, sign_count, name FROM passkeys"
            f" WHERE credential_hash = ?{lock}",
            [credential_hash],
        )
        return PasskeyKeyRow(**rows[0]) if rows else None
