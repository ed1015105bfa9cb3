"""The names of the users that a viewer follows, kept for the seconds in which the viewer types."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import UserId
from server.models.discovery.search_terms import Form
from server.models.discovery.searched_users import FolloweeRow, SearchedUserRepository
from server.services.discovery.search_queries import NameQuery

KEPT_S = 30.0
MAX_VIEWERS = 200
BREAK = "\n"


@dataclass(frozen=True, slots=True)
class Followee:
    """A followed user. `starts` has a line for each word start, with all that follows; `joined` has the whole lines."""

    user_id: UserId
    tier: int
    mutual: bool
    starts: str
    joined: str

    def section_in(self, query: NameQuery) -> int | None:
        """Return the first section of a query that lists this user."""
        for number, section in enumerate(query.sections):
            if section.form is Form.INSIDE:
                matches = section.prefix in self.joined
            else:
                wanted = (section.prefix, *section.others)
                matches = all(f"{BREAK}{each}" in self.starts for each in wanted)
            if matches:
                return number
        return None


class Followees:
    """A change of follows or names is noticed when the kept names expire. Reading the users checks what is visible."""

    def __init__(self, users: SearchedUserRepository) -> None:
        self._users = users
        self._kept: OrderedDict[UserId, tuple[float, Sequence[Followee]]] = OrderedDict()

    async def list_by(self, viewer_id: UserId) -> Sequence[Followee]:
        """Return the users that the viewer follows, at most the newest 2,000."""
        kept = self._kept.get(viewer_id)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        found = [_followee(row) for row in await self._users.list_followees(viewer_id)]
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
