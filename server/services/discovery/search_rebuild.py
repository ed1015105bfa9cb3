"""Rebuilding the search index, and filling in what it lacks."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial

from server.ids import HashtagId, PlaceId, PostId, UserId
from server.models.discovery.search_entries import SearchEntryRepository
from server.models.discovery.search_rebuilds import SearchRebuildRepository
from server.models.discovery.search_subjects import SearchSubjectRepository
from server.models.discovery.search_terms import SearchKind, SearchTermRepository
from server.services.discovery.search_index import SearchIndex
from server.services.jobs.unit_of_work import UnitOfWork

SUBJECTS_PER_TRANSACTION = 100
# Hashtags and places last: indexing posts inserts and counts them.
KINDS = (SearchKind.USER, SearchKind.POST, SearchKind.HASHTAG, SearchKind.PLACE)


@dataclass(frozen=True, slots=True)
class RebuildStep:
    """Progress: subjects of a kind that were indexed, of those that lacked an entry."""

    kind: SearchKind
    done: int
    total: int


class SearchRebuild:
    def __init__(
        self,
        index: SearchIndex,
        subjects: SearchSubjectRepository,
        entries: SearchEntryRepository,
        terms: SearchTermRepository,
        rebuilds: SearchRebuildRepository,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._index = index
        self._subjects = subjects
        self._entries = entries
        self._terms = terms
        self._rebuilds = rebuilds
        self._unit_of_work = unit_of_work

    async def rebuild(self) -> AsyncGenerator[RebuildStep]:
        """Delete the index and make it again, or go on with an interrupted rebuild. Jobs may run at the same time."""
        if await self._rebuilds.begin():
            await self._terms.clear()
            await self._entries.clear()
        for kind in KINDS:
            async for step in self.fill(kind):
                yield step
        await self._rebuilds.end()

    async def fill(self, kind: SearchKind) -> AsyncGenerator[RebuildStep]:
        """Index the subjects of a kind that have no entry."""
        done, total, after_id = 0, await self._subjects.count_missing(kind), 0
        yield RebuildStep(kind, done, total)
        while ids := await self._subjects.list_missing(kind, after_id, SUBJECTS_PER_TRANSACTION):
            await self.index(kind, ids)
            done, after_id = done + len(ids), ids[-1]
            yield RebuildStep(kind, done, max(done, total))

    async def index(self, kind: SearchKind, ids: Sequence[int]) -> None:
        """Index some subjects in one transaction, or one each of hashtags and places, which others change."""
        match kind:
            case SearchKind.USER:
                await self._unit_of_work.run(partial(self._index.index_users, [UserId(each) for each in ids]))
            case SearchKind.POST:
                await self._unit_of_work.run(partial(self._index.index_posts, [PostId(each) for each in ids]))
            case SearchKind.HASHTAG:
                for each in ids:
                    await self._unit_of_work.run(partial(self._index.index_hashtag, HashtagId(each)))
            case SearchKind.PLACE:
                for each in ids:
                    await self._unit_of_work.run(partial(self._index.index_place, PlaceId(each)))
