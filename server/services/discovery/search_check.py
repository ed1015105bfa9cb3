"""Comparison of the search index with the database, for `run.py doctor search`."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from server.ids import PostId, UserId
from server.models.content.places import PlaceRepository
from server.models.discovery.hashtags import HashtagPostRepository, HashtagRepository
from server.models.discovery.place_posts import PlacePostRepository
from server.models.discovery.search_entries import SearchEntry, SearchEntryRepository
from server.models.discovery.search_subjects import SearchSubjectRepository
from server.models.discovery.search_terms import TIERS, Form, SearchKind, SearchTermRepository, TermRow
from server.services.content.mentions import hashtags_in
from server.services.discovery.search_index import (
    hashtag_entry,
    place_entry,
    post_entry,
    term_rows,
    user_entry,
)
from server.services.discovery.search_rebuild import KINDS, SearchRebuild

SUBJECTS_PER_BATCH = 100
TERMS_PER_BATCH = 2000


@dataclass(frozen=True, slots=True)
class SearchDifference:
    """A problem of a subject: a missing, superfluous or outdated entry, or its terms or hashtags."""

    kind: SearchKind
    subject_id: int
    problem: str


@dataclass(frozen=True, slots=True)
class SearchCheckStep:
    """Differences found in a batch, after which `compared` entries or terms of this step were looked at."""

    name: str
    compared: int
    differences: Sequence[SearchDifference] = ()


class SearchCheck:
    """Finds differences, also those that waiting jobs will remove. `fix` removes them at once."""

    def __init__(
        self,
        rebuild: SearchRebuild,
        subjects: SearchSubjectRepository,
        entries: SearchEntryRepository,
        terms: SearchTermRepository,
        hashtags: HashtagRepository,
        hashtag_posts: HashtagPostRepository,
        places: PlaceRepository,
        place_posts: PlacePostRepository,
    ) -> None:
        self._rebuild = rebuild
        self._subjects = subjects
        self._entries = entries
        self._terms = terms
        self._hashtags = hashtags
        self._hashtag_posts = hashtag_posts
        self._places = places
        self._place_posts = place_posts

    async def run(self, *, fix: bool) -> AsyncGenerator[SearchCheckStep]:
        """Compare entries with their subjects and with their terms, then terms with their entries."""
        for kind in KINDS:
            async for step in self._check_missing(kind, fix):
                yield step
            async for step in self._check_entries(kind, fix):
                yield step
        async for step in self._check_places(fix):
            yield step
        async for step in self._check_terms(fix):
            yield step

    async def _check_missing(self, kind: SearchKind, fix: bool) -> AsyncGenerator[SearchCheckStep]:
        compared, after_id = 0, 0
        while ids := await self._subjects.list_missing(kind, after_id, SUBJECTS_PER_BATCH):
            compared, after_id = compared + len(ids), ids[-1]
            if fix:
                await self._rebuild.index(kind, ids)
            found = [SearchDifference(kind, each, "missing") for each in ids]
            yield SearchCheckStep(f"missing {kind.plural}", compared, found)

    async def _check_entries(self, kind: SearchKind, fix: bool) -> AsyncGenerator[SearchCheckStep]:
        compared, after_id = 0, 0
        while entries := await self._entries.list_after(kind, after_id, SUBJECTS_PER_BATCH):
            compared, after_id = compared + len(entries), entries[-1].subject_id
            ids = [entry.subject_id for entry in entries]
            expected = await self._expected(kind, ids)
            found: list[SearchDifference] = []
            for entry in entries:
                problem = await self._compare(entry, expected.get(entry.subject_id))
                if problem is not None:
                    found.append(SearchDifference(kind, entry.subject_id, problem))
            if kind is SearchKind.POST:
                known = {each.subject_id for each in found}
                wrong = [each for each in await self._with_wrong_hashtags(ids) if each not in known]
                found += [SearchDifference(kind, each, "hashtags") for each in wrong]
            if fix and found:
                await self._repair(kind, found, expected)
            yield SearchCheckStep(f"{kind.plural}", compared, found)

    async def _expected(self, kind: SearchKind, ids: Sequence[int]) -> Mapping[int, SearchEntry]:
        """Return the entries that the subjects should have."""
        match kind:
            case SearchKind.USER:
                users = await self._subjects.get_users([UserId(each) for each in ids])
                return {id_: user_entry(id_, user) for id_, user in users.items() if user.is_active}
            case SearchKind.POST:
                posts = await self._subjects.get_posts([PostId(each) for each in ids])
                return {id_: post_entry(id_, post.caption) for id_, post in posts.items() if post.caption}
            case SearchKind.HASHTAG:
                return {row.id: hashtag_entry(row) for row in await self._hashtags.list_by_ids(ids)}
            case SearchKind.PLACE:
                rows = await self._places.list_by_ids(ids, shown=True)
                return {row.id: place_entry(row) for row in rows}

    async def _compare(self, entry: SearchEntry, expected: SearchEntry | None) -> str | None:
        if expected is None:
            return "superfluous"
        if entry != expected:
            return "outdated"
        rows = term_rows(entry)
        return None if await self._terms.count_existing(rows) == len(rows) else "terms missing"

    async def _with_wrong_hashtags(self, ids: Sequence[int]) -> list[int]:
        """Return the posts whose stored hashtags differ from those in the caption."""
        posts = await self._subjects.get_posts([PostId(each) for each in ids])
        public = await self._subjects.list_public(list(posts))
        stored = await self._hashtag_posts.list_tags([PostId(each) for each in ids])
        wanted = {
            post_id: dict.fromkeys(hashtags_in(post.caption), post_id in public)
            for post_id, post in posts.items()
        }
        return [post_id for post_id in posts if stored.get(post_id, {}) != wanted[post_id]]

    async def _repair(
        self, kind: SearchKind, found: Sequence[SearchDifference], expected: Mapping[int, SearchEntry]
    ) -> None:
        for difference in found:
            if difference.problem == "terms missing":
                await self._terms.insert(term_rows(expected[difference.subject_id]))
        others = [each.subject_id for each in found if each.problem != "terms missing"]
        if others:
            await self._rebuild.index(kind, others)

    async def _check_places(self, fix: bool) -> AsyncGenerator[SearchCheckStep]:
        """Find posts that the count of their place lacks, or that it has without reason."""
        compared, after_id = 0, PostId(0)
        while ids := await self._place_posts.list_wrong(after_id, SUBJECTS_PER_BATCH):
            compared, after_id = compared + len(ids), ids[-1]
            if fix:
                await self._rebuild.index(SearchKind.POST, ids)
            found = [SearchDifference(SearchKind.POST, each, "place") for each in ids]
            yield SearchCheckStep("places of posts", compared, found)

    async def _check_terms(self, fix: bool) -> AsyncGenerator[SearchCheckStep]:
        compared = 0
        for shelf in _shelves():
            after = shelf
            while rows := await self._terms.list_rows(after, TERMS_PER_BATCH):
                compared, after = compared + len(rows), rows[-1]
                entries = await self._entries.get(sorted({row.subject_id for row in rows}))
                wanted = {row for entry in entries.values() for row in term_rows(entry)}
                extra = [row for row in rows if row not in wanted]
                if fix:
                    await self._terms.delete(extra)
                subjects = dict.fromkeys(row.subject_id for row in extra)
                found = [SearchDifference(shelf.kind, each, "superfluous terms") for each in subjects]
                yield SearchCheckStep("terms", compared, found)


def _shelves() -> Iterator[TermRow]:
    """Return the position before the first term of each kind, form and tier."""
    for kind in SearchKind:
        for form in Form:
            for tier in range(TIERS if form.has_tier else 1):
                yield TermRow(kind, form, tier, "", 0)
