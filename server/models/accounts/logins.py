"""The columns of `users` that signing in and password changes need."""

from dataclasses import dataclass

from server.ids import UserId
from server.models.accounts.users import UserTable
from server.models.database import Database


@dataclass(frozen=True, slots=True)
class LoginRow:
    id: UserId
    role: str
    password_hash: str
    password_changed_at_ms: int


@dataclass(frozen=True, slots=True)
class LockedLogin:
    """A locked user, and the database's time when the lock was acquired."""

    role: str
    password_changed_at_ms: int
    now_ms: int


class LoginRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UserId) -> LoginRow | None:
        return await self._find(id=user_id)

    async def find_by_username(self, username_key: str) -> LoginRow | None:
        return await self._find(username_key=username_key)

    async def find_by_email(self, email_key: str) -> LoginRow | None:
        return await self._find(email_key=email_key)

    async def lock(self, user_id: UserId) -> LockedLogin | None:
        """Lock the user until the commit."""
        rows = await self._database.rows(
            f"SELECT role, password_changed_at_ms, {self._database.now_ms} AS now_ms FROM users"
            f" WHERE id = ?{self._database.for_update}",
            [user_id],
        )
        return LockedLogin(**rows[0]) if rows else None

    async def get_password_hash(self, user_id: UserId) -> str | None:
        rows = await self._database.rows("SELECT password_hash FROM users WHERE id = ?", [user_id])
        return rows[0]["password_hash"] if rows else None

    async def lock_password_hash(self, user_id: UserId) -> str | None:
        """Lock the user until the commit and return the password hash."""
        rows = await self._database.rows(
            f"SELECT password_hash FROM users WHERE id = ?{self._database.for_update}", [user_id]
        )
        return rows[0]["password_hash"] if rows else None

    async def set_password_hash(self, user_id: UserId, password_hash: str, changed_at_ms: int) -> None:
        await self._database.execute(
            "UPDATE users SET password_hash = ?, password_changed_at_ms = ? WHERE id = ?",
            [password_hash, changed_at_ms, user_id],
        )

    async def renew_password_hash(self, user_id: UserId, previous: str, renewed: str) -> None:
        """Replace the hash by another one of the same password, unless the password changed since then."""
        await self._database.execute(
            "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?",
            [renewed, user_id, previous],
        )

    async def _find(self, **key: int | str) -> LoginRow | None:
        user = await (
            UserTable.filter(**key).only("id", "role", "password_hash", "password_changed_at_ms").first()
        )
        if user is None:
            return None
        return LoginRow(UserId(user.id), user.role, user.password_hash, user.password_changed_at_ms)
