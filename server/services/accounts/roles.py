"""Roles, which are granted on the server's command line only."""

from server.errors import NotFound
from server.events import CacheKey
from server.gateways.feed_store.cache_invalidations import InvalidationLog
from server.models.accounts.users import UserRepository
from server.services.accounts.usernames import normalize
from server.services.records import Role


class Roles:
    def __init__(self, users: UserRepository, invalidations: InvalidationLog) -> None:
        self._users = users
        self._invalidations = invalidations

    async def grant(self, username: str, role: Role) -> Role:
        """Grant a role and return the previous one. Raises NotFound.

        Both the permissions and the celebrity badge change at once.
        """
        user = await self._users.find_role(normalize(username))
        if user is None:
            raise NotFound(f"There is no user {username!r}.")
        keys = (CacheKey("person", user.id),)
        entries = await self._invalidations.begin(keys)
        await self._users.set_role(user.id, role)
        await self._invalidations.drop(entries, keys)
        return Role(user.role)
