"""Lookup of users by id or username."""

from server.errors import NotFound
from server.ids import UserId
from server.models.accounts.users import UserRepository
from server.services.accounts.usernames import normalize


class UserLookup:
    def __init__(self, users: UserRepository) -> None:
        self._users = users

    async def resolve(self, user: UserId | str) -> UserId:
        """Return the id of an existing user. Raises NotFound."""
        if isinstance(user, str):
            user_id = await self._users.find_id(normalize(user))
        else:
            user_id = user if await self._users.exists(user) else None
        if user_id is None:
            raise user_not_found()
        return user_id


def user_not_found() -> NotFound:
    return NotFound("User not found.")
