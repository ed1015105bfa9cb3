"""The sets `follows:{user}` and `relations:{user}`: the authors in a feed, and how they relate to the reader."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.ids import HashtagId, UserId


@dataclass(frozen=True, slots=True)
class FollowedAuthors:
    """The authors in a reader's feed, those of them who have the reader as a close friend, and those who follow back.

    The first two include the reader. `hashtags` are those that the reader follows.
    """

    authors: frozenset[UserId]
    close_friend_of: frozenset[UserId]
    followed_by: frozenset[UserId] = frozenset()
    hashtags: frozenset[HashtagId] = frozenset()

    def relations(self) -> list[int]:
        """Return the members of the set `relations:{user}`."""
        return [*self.followed_by, *(-author_id for author_id in self.close_friend_of)]

    @classmethod
    def parse(
        cls, follows: Iterable[bytes], relations: Iterable[bytes], tags: Iterable[bytes]
    ) -> "FollowedAuthors":
        """Return what the members of the sets say."""
        marks = [int(member) for member in relations]
        return cls(
            frozenset(UserId(int(member)) for member in follows),
            frozenset(UserId(-mark) for mark in marks if mark < 0),
            frozenset(UserId(mark) for mark in marks if mark > 0),
            frozenset(HashtagId(int(member)) for member in tags if member != b"0"),
        )
