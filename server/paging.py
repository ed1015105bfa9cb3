"""Pages of a list, and the encoding of their cursors, independent of SQL and HTTP."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from server.errors import InvalidInput
from server.ids import MAX_ID

Item = TypeVar("Item")
Other = TypeVar("Other")

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` items that come after the position `after`, newest first; None starts at the top."""

    limit: int = DEFAULT_LIMIT
    after: int | None = None

    @property
    def before_id(self) -> int:
        """Items of this page have ids below this."""
        return MAX_ID + 1 if self.after is None else self.after


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items in order, and the cursor of the next page or None where the list ends."""

    items: Sequence[Item]
    next_cursor: str | None

    def map(self, function: Callable[[Item], Other]) -> "Page[Other]":
        return Page([function(item) for item in self.items], self.next_cursor)


def cut(items: Sequence[Item], limit: int, position: Callable[[Item], int]) -> Page[Item]:
    """Return a page of `limit` items from up to `limit` + 1, of which the last shows that more follow."""
    page = items[:limit]
    more = len(items) > limit
    return Page(page, encode_cursor(position(page[-1])) if more else None)


def encode_cursor(position: int) -> str:
    """Return an opaque, URL-safe text for a position."""
    return base64.urlsafe_b64encode(position.to_bytes(7, "big")).decode().rstrip("=")


def decode_cursor(cursor: str) -> int:
    """Return the position in `cursor`. Raises InvalidInput for a text that `encode_cursor` did not create."""
    try:
        position = int.from_bytes(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), "big")
    except (ValueError, binascii.Error) as error:
        raise unknown_cursor() from error
    if not 0 <= position <= MAX_ID or encode_cursor(position) != cursor:
        raise unknown_cursor()
    return position


def unknown_cursor() -> InvalidInput:
    """Return the error for a cursor that this list did not give out."""
    return InvalidInput(
        "This cursor was not given out by this API: start again without it.",
        code="unknown_cursor",
        fields={"cursor": ["Not a cursor of this list."]},
    )
