"""The hash `liked:{user}`: which posts a reader likes and has saved."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import PostId

LIKED, SAVED = 1, 2


@dataclass(frozen=True, slots=True)
class ReaderMarks:
    """The posts that a reader likes and has saved: all of them from `complete_from_id` up."""

    complete_from_id: int
    liked: Sequence[PostId] = ()
    saved: Sequence[PostId] = ()
