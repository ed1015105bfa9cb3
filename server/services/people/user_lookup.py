"""The directory: whom an id or a user name means."""

from server.errors import NotFound
from server.ids import UserId
from server.models.database import Database
from server.services.accounts.usernames import normalize


def user_not_found() -> NotFound:
    return NotFound("There is no such user.")


async def resolve_user_id(database: Database, user: UserId | str) -> UserId:
    """The id of somebody who exists, given by id or by user name. Raises NotFound."""
    column, value = ("username_key", normalize(user)) if isinstance(user, str) else ("id", user)
    rows = await database.rows(f"SELECT id FROM users WHERE {column} = ?", [value])
    if not rows:
        raise user_not_found()
    return UserId(rows[0]["id"])
