"""The directory: whom an id or a user name means."""

from server.errors import NotFound
from server.ids import UserId
from server.models.database import Database
from server.services.markup import normalised


def nobody() -> NotFound:
    return NotFound("There is no such user.")


async def find(database: Database, user: UserId | str) -> UserId:
    """The id of somebody who exists, given by id or by user name. Raises NotFound."""
    column, value = ("username_key", normalised(user)) if isinstance(user, str) else ("id", user)
    rows = await database.rows(f"SELECT id FROM users WHERE {column} = ?", [value])
    if not rows:
        raise nobody()
    return UserId(rows[0]["id"])
