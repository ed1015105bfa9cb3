"""Roles: who may do more than others. They are granted on the server's own command line alone."""

from server.errors import NotFound
from server.models.database import Database
from server.services.markup import normalised
from server.services.records import Role


class Roles:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def grant(self, username: str, role: Role) -> Role:
        """Give somebody a role; which one they had. It counts from their next sign-in. Raises NotFound."""
        rows = await self._database.rows(
            "SELECT id, role FROM users WHERE username_key = ?", [normalised(username)]
        )
        if not rows:
            raise NotFound(f"There is no user {username!r}.")
        await self._database.execute("UPDATE users SET role = ? WHERE id = ?", [role, rows[0]["id"]])
        return Role(rows[0]["role"])
