"""Roles: who may do more than others. They are granted on the server's own command line alone."""

from server.errors import NotFound
from server.events import CacheKey
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.ids import UserId
from server.models.database import Database
from server.services.accounts.usernames import normalize
from server.services.records import Role


class Roles:
    def __init__(self, database: Database, touches: InvalidationLog) -> None:
        self._database = database
        self._touches = touches

    async def grant(self, username: str, role: Role) -> Role:
        """Give somebody a role; which one they had. Raises NotFound.

        What they may do follows from their next refresh, whether they are shown as a celebrity at once.
        """
        rows = await self._database.rows(
            "SELECT id, role FROM users WHERE username_key = ?", [normalize(username)]
        )
        if not rows:
            raise NotFound(f"There is no user {username!r}.")
        user_id = UserId(rows[0]["id"])
        shown = (CacheKey("person", user_id),)
        handle = await self._touches.announce(shown)
        await self._database.execute(
            "UPDATE users SET role = ?, revision = revision + 1 WHERE id = ?", [role, user_id]
        )
        await self._touches.drop(handle, shown)
        return Role(rows[0]["role"])
