"""The columns of `users` about e-mail addresses: the verified one, and one that still has to be verified."""

from dataclasses import dataclass

from server.ids import UserId
from server.models.database import Database


@dataclass(frozen=True, slots=True)
class AddressRow:
    """A user's verified and pending addresses, either may be empty, and the database's time when they were read."""

    id: UserId
    username: str
    email: str
    pending_email: str
    now_ms: int


class EmailAddressRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, user_id: UserId) -> AddressRow | None:
        """Lock the user until the commit."""
        return await self._find("id = ?", user_id)

    async def lock_newest_pending(self, email_key: str) -> AddressRow | None:
        """Lock the newest of the users whose only address is this pending one, until the commit."""
        return await self._find("pending_email_key = ? AND email = ''", email_key)

    async def find_owner(self, email_key: str) -> AddressRow | None:
        """Return the user with this verified address."""
        return await self._find("email_key = ? AND email <> ''", email_key, lock=False)

    async def is_verified(self, user_id: UserId) -> bool:
        return bool(await self._database.rows("SELECT 1 FROM users WHERE id = ? AND email <> ''", [user_id]))

    async def set_pending(self, user_id: UserId, email: str, email_key: str) -> None:
        await self._database.execute(
            "UPDATE users SET pending_email = ?, pending_email_key = ? WHERE id = ?",
            [email, email_key, user_id],
        )

    async def clear_pending(self, user_id: UserId) -> bool:
        """Drop the pending address of a user with a verified one. Return whether there was one."""
        return bool(
            await self._database.execute(
                "UPDATE users SET pending_email = '', pending_email_key = ''"
                " WHERE id = ? AND email <> '' AND pending_email <> ''",
                [user_id],
            )
        )

    async def set_verified(self, user_id: UserId, email: str, email_key: str, at_ms: int) -> None:
        """Make this the user's address, in place of any other. Raises DuplicateKey if another user has verified it."""
        await self._database.execute(
            "UPDATE users SET email = ?, email_key = ?, email_verified_at_ms = ?, pending_email = '',"
            " pending_email_key = '' WHERE id = ?",
            [email, email_key, at_ms, user_id],
        )

    async def _find(self, where: str, parameter: UserId | str, *, lock: bool = True) -> AddressRow | None:
        rows = await self._database.rows(
            f"SELECT id, username, email, pending_email, {self._database.now_ms} AS now_ms FROM users WHERE {where}"
            f" ORDER BY id DESC LIMIT 1{self._database.for_update if lock else ''}",
            [parameter],
        )
        return AddressRow(**rows[0]) if rows else None
