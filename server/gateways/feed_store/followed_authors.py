"""The set `follows:{user}`: whose posts a reader's feed has, and how these authors relate to the reader."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.ids import UserId

CLOSE_FRIEND_OF, FOLLOWED_BY = "c", "m"


@dataclass(frozen=True, slots=True)
class FollowedAuthors:
    """The authors in a reader's feed, those of them who have the reader as a close friend, and those who follow back.

    The first two include the reader.
    """

    authors: frozenset[UserId]
    close_friend_of: frozenset[UserId]
    followed_by: frozenset[UserId] = frozenset()

    def members(self) -> list[int | str]:
        """Return the members of the set."""
        return [
            *self.authors,
            *(f"{CLOSE_FRIEND_OF}{author_id}" for author_id in self.close_friend_of),
            *(f"{FOLLOWED_BY}{author_id}" for author_id in self.followed_by),
        ]

    @classmethod
    def parse(cls, members: Iterable[bytes]) -> "FollowedAuthors":
        """Return what the members of the set say."""
        texts = [member.decode() for member in members]
        return cls(_ids(texts, ""), _ids(texts, CLOSE_FRIEND_OF), _ids(texts, FOLLOWED_BY))


def _ids(members: Iterable[str], prefix: str) -> frozenset[UserId]:
    parts = (member.removeprefix(prefix) for member in members if member.startswith(prefix))
    return frozenset(UserId(int(part)) for part in parts if part.isdigit())
