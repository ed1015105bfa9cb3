"""The set `follows:{user}`: whose posts a reader's feed has, and who has the reader as a close friend."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.ids import UserId

CLOSE_FRIEND_OF = "c"


@dataclass(frozen=True, slots=True)
class FollowedAuthors:
    """The authors in a reader's feed, and those of them who have the reader as a close friend.

    Both include the reader.
    """

    authors: frozenset[UserId]
    close_friend_of: frozenset[UserId]

    def members(self) -> list[int | str]:
        """Return the members of the set."""
        return [*self.authors, *(f"{CLOSE_FRIEND_OF}{author_id}" for author_id in self.close_friend_of)]

    @classmethod
    def parse(cls, members: Iterable[bytes]) -> "FollowedAuthors":
        """Return what the members of the set say."""
        texts = [member.decode() for member in members]
        return cls(_ids(texts, ""), _ids(texts, CLOSE_FRIEND_OF))


def _ids(members: Iterable[str], prefix: str) -> frozenset[UserId]:
    parts = (member.removeprefix(prefix) for member in members if member.startswith(prefix))
    return frozenset(UserId(int(part)) for part in parts if part.isdigit())
