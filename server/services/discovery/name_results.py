"""Pages of the names that match a query: some lead, then come those of the walk, or similar names if there are none."""

from collections.abc import Sequence
from typing import NamedTuple

from server.services.discovery.name_walk import Accept, NameWalk, Place
from server.services.discovery.search_queries import NameQuery, decode_cursor, encode_cursor

SHAPES = {"lead": (int, int, int, int), "names": (int, int, str, int), "similar": (int,)}


class Lead(NamedTuple):
    """A subject that precedes the popular ones: the exact name, or a followed user, mutual follows first."""

    section: int
    not_mutual: int
    tier: int
    subject_id: int


class NameResults:
    """The results of one query. `lead` is in order; `read` returns which of some subjects may be listed."""

    def __init__(self, walk: NameWalk, query: NameQuery, lead: Sequence[Lead], read: Accept) -> None:
        self._walk = walk
        self._query = query
        self._lead = lead
        self._leading = {each.subject_id for each in lead}
        self._read = read

    async def first(self, limit: int) -> list[int]:
        """Return the first results, without similar names."""
        shown = await self._read([each.subject_id for each in self._lead[:limit]])
        if len(shown) < limit:
            walked = await self._walk.walk(self._query, None, limit - len(shown), self._accept)
            shown += [place.subject_id for place in walked.places]
        return shown

    async def page(self, key: str, limit: int, cursor: str | None) -> tuple[list[int], str | None]:
        """Return a page and the cursor of the next one. `key` identifies the query.

        Raises InvalidInput for a cursor of another query.
        """
        area, after = decode_cursor(key, cursor, SHAPES) if cursor else ("lead", [])
        if area == "similar":
            return await self._similar(key, limit, after[0])
        shown: list[int] = []
        place = Place(*after) if area == "names" else None
        if area == "lead":
            rest = [each for each in self._lead if each > tuple(after)]
            shown = await self._read([each.subject_id for each in rest[:limit]])
            if len(rest) >= limit:
                return shown, await self._after_lead(key, rest, limit)
        walked = await self._walk.walk(self._query, place, limit - len(shown), self._accept)
        shown += [each.subject_id for each in walked.places]
        if not shown and walked.resume is None and cursor is None:
            return await self._similar(key, limit, 0)
        resume = walked.resume
        return shown, None if resume is None else encode_cursor(key, "names", _values(resume))

    async def _after_lead(self, key: str, rest: Sequence[Lead], limit: int) -> str | None:
        """Return the cursor at the last lead of a full page, or None if nothing follows."""
        if len(rest) == limit:
            walked = await self._walk.walk(self._query, None, 1, self._accept)
            if not walked.places and walked.resume is None:
                return None
        return encode_cursor(key, "lead", rest[limit - 1])

    async def _similar(self, key: str, limit: int, first: int) -> tuple[list[int], str | None]:
        similar = await self._walk.list_similar(self._query, self._accept)
        more = len(similar) > first + limit
        return similar[first : first + limit], encode_cursor(
            key, "similar", [first + limit]
        ) if more else None

    async def _accept(self, subject_ids: Sequence[int]) -> list[int]:
        return await self._read([each for each in subject_ids if each not in self._leading])


def _values(place: Place) -> list[int | str]:
    return [place.section, place.tier, place.term, place.subject_id]
