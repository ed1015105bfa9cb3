"""Table `sign_in_challenges`: sign-ins that wait for the second factor."""

from dataclasses import asdict, dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database


class SignInChallengeTable(Model):
    """Challenges are stored as SHA-256 of their random text. The other columns are those of the new session."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    token_hash = fields.CharField(max_length=64, unique=True)
    password_changed_at_ms = fields.BigIntField()
    method = fields.CharField(max_length=16)
    device_id = fields.CharField(max_length=40, null=True)
    new_device = fields.SmallIntField(default=0)
    attempts = fields.IntField(default=0)
    created_at_ms = fields.BigIntField()
    expires_at_ms = fields.BigIntField(db_index=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "sign_in_challenges"
        indexes = (("user_id", "id"),)


@dataclass(frozen=True, slots=True)
class NewSignInChallenge:
    id: int
    user_id: UserId
    token_hash: str
    password_changed_at_ms: int
    method: str
    device_id: str | None
    new_device: bool
    created_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class SignInChallengeRow:
    id: int
    user_id: UserId
    password_changed_at_ms: int
    method: str
    device_id: str | None
    new_device: int


class SignInChallengeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, challenge: NewSignInChallenge) -> None:
        await SignInChallengeTable.create(**asdict(challenge))

    async def find(self, token_hash: str, max_attempts: int) -> SignInChallengeRow | None:
        """Return an unexpired challenge with attempts left."""
        rows = await self._database.rows(
            "SELECT id, user_id, password_changed_at_ms, method, device_id, new_device FROM sign_in_challenges"
            f" WHERE token_hash = ? AND attempts < ? AND expires_at_ms > {self._database.now_ms}",
            [token_hash, max_attempts],
        )
        return SignInChallengeRow(**rows[0]) if rows else None

    async def count_attempt(self, challenge_id: int, max_attempts: int) -> bool:
        """Count an attempt before its outcome is known. Return False if none was left."""
        return bool(
            await self._database.execute(
                "UPDATE sign_in_challenges SET attempts = attempts + 1 WHERE id = ? AND attempts < ?"
                f" AND expires_at_ms > {self._database.now_ms}",
                [challenge_id, max_attempts],
            )
        )

    async def delete(self, challenge_id: int) -> bool:
        """Return False if a concurrent request deleted it."""
        return bool(
            await self._database.execute("DELETE FROM sign_in_challenges WHERE id = ?", [challenge_id])
        )

    async def delete_by_user(self, user_id: UserId) -> None:
        await self._database.execute("DELETE FROM sign_in_challenges WHERE user_id = ?", [user_id])

    async def delete_expired(self) -> int:
        """Delete expired challenges. Return how many."""
        select = (
            f"SELECT id FROM sign_in_challenges WHERE expires_at_ms < {self._database.now_ms}"
            f" ORDER BY expires_at_ms LIMIT {DELETE_BATCH}"
        )
        return await delete_in_batches(self._database, "sign_in_challenges", select)
