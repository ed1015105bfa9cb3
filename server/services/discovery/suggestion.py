"""A suggestion of a user to follow, and its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.services.records import RelatedUser, UserCard


class SuggestionReason(StrEnum):
    """Why a user is suggested; more may be added."""

    FOLLOWED_BY = "followed_by"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested user. `followed_by` names up to two users that the viewer follows; `others` counts further ones.

    `follow_ids`: the follows of those who are named.
    """

    user: RelatedUser
    reason: SuggestionReason
    followed_by: Sequence[UserCard]
    others: int
    follow_ids: Sequence[int] = ()

    @property
    def detail(self) -> str:
        if not self.followed_by:
            return "Popular here."
        names = [user.username for user in self.followed_by]
        if self.others:
            names.append("1 other" if self.others == 1 else f"{self.others} others")
        *first, last = names
        return f"Followed by {', '.join(first)} and {last}" if first else f"Followed by {last}"
