"""The columns of `users` that the erasure of an account reads and clears."""

from dataclasses import dataclass

from server.ids import UserId
from server.models.accounts.users import UserTable
from server.models.database import Database

# No username contains a hyphen, so that no user can have the name of an erased one.
ERASED_NAME = "-{}"


@dataclass(frozen=True, slots=True)
class DueAccount:
    """An account whose deletion is final, and the database's time when it was locked."""

    username_key: str
    avatar_key: str
    revision: int
    now_ms: int


class ErasedAccountRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_due(self, limit: int) -> list[UserId]:
        """Return accounts that are to be erased now, those that wait longest first."""
        rows = await self._database.rows(
            f"SELECT id FROM users WHERE delete_after_ms <= {self._database.now_ms}"
            " ORDER BY delete_after_ms LIMIT ?",
            [limit],
        )
        return [UserId(row["id"]) for row in rows]

    async def list_addresses(self, user_id: UserId) -> list[str]:
        """Return the e-mail addresses of an account, verified or not."""
        rows = await self._database.rows("SELECT email, pending_email FROM users WHERE id = ?", [user_id])
        return [address for row in rows for address in row.values() if address]

    async def lock_due(self, user_id: UserId) -> DueAccount | None:
        """Lock an account until the commit; None if it is not to be erased now."""
        rows = await self._database.rows(
            f"SELECT username_key, avatar_key, revision, {self._database.now_ms} AS now_ms FROM users"
            f" WHERE id = ? AND delete_after_ms <= {self._database.now_ms}"
            f"{self._database.for_update}",
            [user_id],
        )
        return DueAccount(**rows[0]) if rows else None

    async def clear(self, user_id: UserId, due: DueAccount) -> None:
        """Delete the name, the addresses, the profile, and the ways to sign in."""
        for table in ("external_identities", "passkeys"):
            await self._database.execute(f"DELETE FROM {table} WHERE user_id = ?", [user_id])
        await UserTable.filter(id=user_id).update(
            username="",
            username_key=ERASED_NAME.format(user_id),
            email="",
            email_key=str(user_id),
            email_verified_at_ms=None,
            pending_email="",
            pending_email_key="",
            password_hash="",
            password_changed_at_ms=due.now_ms,
            full_name="",
            bio="",
            website="",
            avatar_key="",
            revision=due.revision + 1,
        )

    async def set_next_attempt(self, user_id: UserId, at_ms: int) -> None:
        await self._database.execute("UPDATE users SET delete_after_ms = ? WHERE id = ?", [at_ms, user_id])

    async def is_cleared(self, user_id: UserId) -> bool:
        """Return whether the row exists and was cleared."""
        return bool(
            await self._database.rows(
                "SELECT 1 FROM users WHERE id = ? AND username_key = ?",
                [user_id, ERASED_NAME.format(user_id)],
            )
        )

    async def lock(self, user_id: UserId) -> None:
        """Lock the row until the commit, so that no row with a foreign key to it can be inserted."""
        await self._database.rows(f"SELECT id FROM users WHERE id = ?{self._database.for_update}", [user_id])

    async def delete(self, user_id: UserId) -> None:
        await self._database.execute("DELETE FROM users WHERE id = ?", [user_id])
