"""The walk through the names that match a query: word starts before other positions, popular ones first, each once."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from server.models.discovery.search_terms import Form, SearchKind, SearchTermRepository, TermMatch, TermRange
from server.services.discovery.search_queries import NameQuery
from server.services.discovery.terms import begins_with_typo, typo_lookups
from server.sized_cache import SizedCache

EXTRA_ROWS = 10
MAX_ROWS = 1000
MAX_SIMILAR = 100
KEPT_S = 2.0
KEPT_BYTES = 8 << 20
PLACE_BYTES = 300

Accept = Callable[[Sequence[int]], Awaitable[list[int]]]


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the results."""

    section: int
    tier: int
    term: str
    subject_id: int


@dataclass(frozen=True, slots=True)
class Walked:
    """Accepted subjects in order, and where the walk goes on; None at the end."""

    places: Sequence[Place]
    resume: Place | None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows that follow in a section: the places of those that are the first ones of their subject."""

    places: Sequence[Place]
    size: int
    last: Place | None


class _BatchKey(NamedTuple):
    query: NameQuery
    section: int
    after: Place | None
    size: int


class NameWalk:
    """Keeps for two seconds which names of the index match, because many type the same beginnings.

    Changes of the index by this process show at once.
    """

    def __init__(
        self,
        terms: SearchTermRepository,
        kind: SearchKind,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terms = terms
        self._kind = kind
        self._monotonic = monotonic
        self._kept: SizedCache[_BatchKey, tuple[float, int, _Batch]] = SizedCache(KEPT_BYTES)

    async def walk(self, query: NameQuery, after: Place | None, wanted: int, accept: Accept) -> Walked:
        """Return up to `wanted` subjects, at least 1, after a place. `accept` returns which of some may be listed.

        Fewer are returned at the end, and after 1,000 rows, so that a request has a bounded cost.
        """
        places: list[Place] = []
        section, rows_left = (0, MAX_ROWS) if after is None else (after.section, MAX_ROWS)
        while section < len(query.sections):
            if len(places) > wanted:
                return Walked(places[:wanted], places[wanted - 1])
            if rows_left <= 0:
                return Walked(places, after)
            size = wanted + EXTRA_ROWS
            batch = await self._read(_BatchKey(query, section, after, size))
            rows_left -= batch.size
            accepted = set(await accept([each.subject_id for each in batch.places])) if batch.places else ()
            places += [each for each in batch.places if each.subject_id in accepted]
            section, after = (section + 1, None) if batch.size < size else (section, batch.last)
        return Walked(places[:wanted], places[wanted - 1] if len(places) > wanted else None)

    async def list_similar(self, query: NameQuery, accept: Accept) -> list[int]:
        """Return subjects of which a word start differs from the query by one character, popular ones first."""
        found: dict[int, int] = {}
        prefixes: dict[Form, list[str]] = {}
        for lookup in typo_lookups(query.joined):
            prefixes.setdefault(lookup.form, []).append(lookup.text)
        for form, some in prefixes.items():
            for row in await self._terms.list_any(self._kind, form, some, MAX_SIMILAR):
                if row.subject_id not in found and begins_with_typo(row.text, query.joined):
                    found[row.subject_id] = row.tier if form.has_tier else 0
        accepted = await accept([*found])
        return sorted(accepted, key=lambda subject_id: (found[subject_id], subject_id))

    def _range(self, query: NameQuery, number: int, after: Place | None) -> TermRange:
        section = query.sections[number]
        if after is None or not after.term:
            return TermRange(self._kind, section.form, section.prefix)
        return TermRange(self._kind, section.form, section.prefix, after.tier, after.term, after.subject_id)

    async def _read(self, key: _BatchKey) -> _Batch:
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._monotonic() and kept[1] == self._terms.changes:
            return kept[2]
        query, section, after, size = key
        changes = self._terms.changes
        rows = await self._terms.list_matches(self._range(query, section, after), size)
        # The first comparison needs no terms and leaves few rows.
        first = [
            row
            for row in rows
            if query.section_of(row.text) == section and query.first_term(row.text) == (section, row.term)
        ]
        last = _place(section, rows[-1]) if rows else None
        batch = _Batch([_place(section, row) for row in first], len(rows), last)
        entry = (self._monotonic() + KEPT_S, changes, batch)
        self._kept.put(key, entry, PLACE_BYTES * (2 + len(first)))
        return batch


def _place(section: int, row: TermMatch) -> Place:
    return Place(section, row.tier, row.term, row.subject_id)
