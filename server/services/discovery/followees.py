"""The names of the users that a viewer follows, kept for the seconds in which the viewer types."""

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from server.ids import UserId
from server.models.discovery.search_terms import Form
from server.models.discovery.searched_users import FolloweeRow, SearchedUserRepository
from server.services.discovery.search_queries import NameQuery, Section

KEPT_S = 30.0
MAX_VIEWERS = 200
BREAK = "\n"
DIVIDER = "\0"


@dataclass(frozen=True, slots=True)
class Followee:
    """A followed user. `starts` has a line for each word start, with all that follows; `joined` has the whole lines."""

    user_id: UserId
    tier: int
    mutual: bool
    starts: str
    joined: str

    def has_starts(self, beginnings: Sequence[str]) -> bool:
        """Return whether words of the name begin with each of the beginnings."""
        return all(f"{BREAK}{each}" in self.starts for each in beginnings)


class FolloweeNames:
    """The names of a viewer's followees as one text, in which a query is looked up without a loop over them."""

    def __init__(self, followees: Sequence[Followee]) -> None:
        self._followees = followees
        self._starts, self._firsts = _concatenate([each.starts for each in followees])
        self._joined, self._joined_firsts = _concatenate([each.joined for each in followees])

    def __iter__(self) -> Iterator[Followee]:
        return iter(self._followees)

    def find(self, query: NameQuery) -> list[tuple[int, Followee]]:
        """Return the followees that a query lists, each with the first section that lists it."""
        found: dict[int, tuple[int, Followee]] = {}
        for order, section in enumerate(query.sections):
            for number, each in self._candidates(section):
                if number not in found and each.has_starts(section.others):
                    found[number] = order, each
        return list(found.values())

    def _candidates(self, section: Section) -> Iterator[tuple[int, Followee]]:
        """Yield followees with the prefix of a section, by their number."""
        inside = section.form is Form.INSIDE
        text, firsts = (self._joined, self._joined_firsts) if inside else (self._starts, self._firsts)
        wanted = section.prefix if inside else f"{BREAK}{section.prefix}"
        at = text.find(wanted)
        while at >= 0:
            number = bisect_right(firsts, at) - 1
            yield number, self._followees[number]
            following = firsts[number + 1] if number + 1 < len(firsts) else len(text)
            at = text.find(wanted, following)


def _concatenate(texts: Sequence[str]) -> tuple[str, list[int]]:
    """Return the texts as one, divided by a character that no query has, and where each of them begins."""
    firsts = [0, *accumulate(len(text) + 1 for text in texts)][: len(texts)]
    return DIVIDER.join(texts), firsts


class Followees:
    """A change of follows or names is noticed when the kept names expire. Reading the users checks what is visible."""

    def __init__(self, users: SearchedUserRepository) -> None:
        self._users = users
        self._kept: OrderedDict[UserId, tuple[float, FolloweeNames]] = OrderedDict()

    async def list_by(self, viewer_id: UserId) -> FolloweeNames:
        """Return the users that the viewer follows, at most the newest 2,000."""
        kept = self._kept.get(viewer_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        rows = await self._users.list_followees(viewer_id)
        found = FolloweeNames([_followee(row) for row in rows])
        self._kept[viewer_id] = (time.monotonic() + KEPT_S, found)
        self._kept.move_to_end(viewer_id)
        while len(self._kept) > MAX_VIEWERS:
            self._kept.popitem(last=False)
        return found


def _followee(row: FolloweeRow) -> Followee:
    starts: list[str] = []
    lines: list[str] = []
    for line in row.text.split(BREAK):
        joined, first = line.replace(" ", ""), 0
        lines.append(joined)
        for word in line.split(" "):
            starts.append(joined[first:])
            first += len(word)
    return Followee(row.user_id, row.tier, row.mutual, BREAK + BREAK.join(starts), BREAK.join(lines))
