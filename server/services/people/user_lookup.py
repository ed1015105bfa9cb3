"""Lookup of users by id or username."""

from server.errors import InvalidInput, NotFound
from server.ids import UserId
from server.models.accounts.users import UserRepository
from server.models.conditions import Column
from server.models.people.visibility import unblocked_users
from server.services.accounts.usernames import normalize


class UserLookup:
    def __init__(self, users: UserRepository) -> None:
        self._users = users

    async def resolve(self, viewer_id: UserId, user: UserId | str) -> UserId:
        """Return the id of an existing user who has not blocked the viewer. Raises NotFound."""
        visible = unblocked_users(viewer_id, Column("u.id"))
        if isinstance(user, str):
            user_id = await self._users.find_id(normalize(user), visible)
        else:
            user_id = user if await self._users.exists(user, visible) else None
        if user_id is None:
            raise user_not_found()
        return user_id

    async def find_id(self, user: UserId | str) -> UserId | None:
        """Return the id of a user, whatever the account's status and relationships."""
        if isinstance(user, str):
            return await self._users.find_id(normalize(user))
        return user if await self._users.exists(user) else None

    async def resolve_other(self, viewer_id: UserId, user: UserId | str) -> UserId:
        """Return the id of another user. Raises InvalidInput for the viewer, and NotFound like `resolve`."""
        user_id = await self.resolve(viewer_id, user)
        if user_id == viewer_id:
            raise InvalidInput("This is your own account.", code="own_account")
        return user_id


async def find_anyone(users: UserRepository, user: UserId | str) -> UserId:
    """Return the id of a user, whatever the account's status and relationships. Raises NotFound."""
    if isinstance(user, str):
        user_id = await users.find_id(normalize(user))
    else:
        user_id = user if await users.exists(user) else None
    if user_id is None:
        raise user_not_found()
    return user_id


def user_not_found() -> NotFound:
    return NotFound("User not found.")
