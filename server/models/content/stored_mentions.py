"""The column `mentions` of posts and comments: which user each name in the text meant when it was written."""

from collections.abc import Mapping

import orjson

from server.ids import UserId


def pack_mentions(mentions: Mapping[str, UserId]) -> str | None:
    """Return the value of the column: a JSON object from username keys to user ids, or NULL."""
    return orjson.dumps(mentions).decode() if mentions else None


def unpack_mentions(column: str | None) -> dict[str, UserId]:
    """Return the user ids by username key, in order of appearance."""
    return orjson.loads(column) if column else {}
