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
# The cursors of lists in another order begin with a mark, so that no list takes those of the other order.
OLDEST_FIRST = b"o"
_POSITION_BYTES = 7


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` items that come after the position `after`; None starts at the top.

    `shown` are the ids of items that earlier pages showed out of order, before the first position.
    """

    limit: int = DEFAULT_LIMIT
    after: int | None = None
    shown: tuple[int, ...] = ()

    @property
    def before_id(self) -> int:
        """Items of this page have ids below this, in a list that is newest first."""
        return MAX_ID + 1 if self.after is None else self.after

    @property
    def after_id(self) -> int:
        """Items of this page have ids above this, in a list that is oldest first."""
        return 0 if self.after is None else self.after


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items in order, and the cursor of the next page or None where the list ends."""

    items: Sequence[Item]
    next_cursor: str | None

    def map(self, function: Callable[[Item], Other]) -> "Page[Other]":
        return Page([function(item) for item in self.items], self.next_cursor)


@dataclass(frozen=True, slots=True, eq=False)
class KeptPage(Page[Item]):
    """A page that is kept: while it is, requests for the same content get this object, so it can serve as a key."""


def cut(items: Sequence[Item], limit: int, position: Callable[[Item], int], order: bytes = b"") -> Page[Item]:
    """Return a page of `limit` items from up to `limit` + 1, of which the last shows that more follow."""
    page = items[:limit]
    more = len(items) > limit
    return Page(page, encode_cursor(position(page[-1]), order=order) if more else None)


def encode_cursor(*positions: int, order: bytes = b"") -> str:
    """Return an opaque, URL-safe text for a position, and for ids that were shown before it."""
    packed = b"".join(position.to_bytes(_POSITION_BYTES, "big") for position in positions)
    return base64.urlsafe_b64encode(order + packed).decode().rstrip("=")


def decode_cursor(cursor: str, order: bytes = b"") -> int:
    """Return the position in `cursor`. Raises InvalidInput for a text that `encode_cursor` did not create."""
    (position,) = decode_positions(cursor, 1, order)
    return position


def decode_positions(cursor: str, maximum: int, order: bytes = b"") -> tuple[int, ...]:
    """Return the position in `cursor` and up to `maximum` - 1 ids. Raises InvalidInput like `decode_cursor`."""
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error) as error:
        raise unknown_cursor() from error
    packed = packed[len(order) :] if packed.startswith(order) else b""
    parts = [packed[start : start + _POSITION_BYTES] for start in range(0, len(packed), _POSITION_BYTES)]
    positions = tuple(int.from_bytes(part, "big") for part in parts)
    if not 1 <= len(positions) <= maximum or max(positions) > MAX_ID:
        raise unknown_cursor()
    if encode_cursor(*positions, order=order) != cursor:
        raise unknown_cursor()
    return positions


def unknown_cursor() -> InvalidInput:
    """Return the error for a cursor that this list did not give out."""
    return InvalidInput(
        "This cursor was not given out by this API: start again without it.",
        code="unknown_cursor",
        fields={"cursor": ["Not a cursor of this list."]},
    )
