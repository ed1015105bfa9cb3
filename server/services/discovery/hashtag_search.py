"""Hashtags: search by name, their pages, and the number of their posts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from server.batching import BatchingQueue
from server.errors import NotFound
from server.ids import HashtagId, PostId, UserId
from server.models.discovery.hashtags import HashtagPostRepository, HashtagRepository, HashtagRow, TagRange
from server.models.discovery.search_terms import SearchKind, SearchTermRepository
from server.paging import Page, PageRequest
from server.services.content.listed_posts import ListedPosts
from server.services.content.mentions import hashtag_key, hashtags_in
from server.services.discovery.name_results import Lead, NameResults
from server.services.discovery.name_walk import NameWalk
from server.services.discovery.search_queries import NameQuery
from server.services.records import Post

MARKS = "#＃﹟"
RANGES_PER_QUERY = 50
LISTS_PER_QUERY = 8


@dataclass(frozen=True, slots=True)
class Hashtag:
    """A hashtag by its key. `posts_count` counts the posts of public accounts that are active.

    `following`: the viewer follows it.
    """

    tag: str
    posts_count: int
    following: bool = False


class _CountedHashtags:
    """Reads the hashtags that have posts everyone may see, and keeps them."""

    def __init__(self, read: Callable[[Sequence[int]], Awaitable[Sequence[HashtagRow]]]) -> None:
        self._read = read
        self.rows: dict[int, HashtagRow] = {}

    async def read(self, hashtag_ids: Sequence[int]) -> list[int]:
        found = {row.id: row for row in await self._read(hashtag_ids)} if hashtag_ids else {}
        self.rows |= found
        return [hashtag_id for hashtag_id in hashtag_ids if hashtag_id in found]


class HashtagSearch:
    def __init__(
        self,
        hashtags: HashtagRepository,
        posts: HashtagPostRepository,
        terms: SearchTermRepository,
        listed_posts: ListedPosts,
    ) -> None:
        self._hashtags = hashtags
        self._posts = posts
        self._walk = NameWalk(terms, SearchKind.HASHTAG)
        self._listed_posts = listed_posts
        self._ranges: BatchingQueue[TagRange, Sequence[tuple[PostId, UserId]]] = BatchingQueue(
            self._read_ranges, RANGES_PER_QUERY
        )
        self._exact: BatchingQueue[str, HashtagRow | None] = BatchingQueue(self._find)
        self._counted: BatchingQueue[Sequence[int], Sequence[HashtagRow]] = BatchingQueue(
            self._list_counted, LISTS_PER_QUERY
        )

    async def search(self, text: str, limit: int, cursor: str | None = None) -> Page[Hashtag]:
        """Return hashtags that have the text, popular ones first, or have it but for one character if none has.

        Raises InvalidInput for a cursor of another search.
        """
        query, tag = NameQuery.of(text), hashtag_key(text.strip().lstrip(MARKS))
        exact = await self._exact.submit(tag)
        lead = [Lead(0, 0, 0, exact.id)] if exact is not None else []
        counted = _CountedHashtags(self._counted.submit)
        results = NameResults(self._walk, query, lead, counted.read)
        shown, more = await results.page(f"hashtags {tag}", limit, cursor)
        return Page([_hashtag(counted.rows[hashtag_id]) for hashtag_id in shown], more)

    async def get(self, tag: str) -> Hashtag:
        """Return a hashtag in any spelling; one that no post has has a count of 0. Raises NotFound."""
        key = key_of(tag)
        found = await self._hashtags.find(key)
        return Hashtag(key, 0) if found is None else _hashtag(found)

    async def list_posts(
        self, viewer_id: UserId, tag: str, request: PageRequest, *, with_likers: bool = False
    ) -> Page[Post]:
        """Return the posts of a hashtag that the viewer may see, newest first. Raises NotFound."""
        key = key_of(tag)

        async def listed(before_id: int, limit: int) -> Sequence[tuple[PostId, UserId]]:
            return await self._ranges.submit(TagRange(key, before_id, limit))

        return await self._listed_posts.page(viewer_id, listed, request, with_likers=with_likers)

    async def _find(self, tags: Sequence[str]) -> list[HashtagRow | None]:
        """Return the hashtags with these keys, for concurrent searches."""
        found = {row.tag: row for row in await self._hashtags.find_all(list(dict.fromkeys(tags)))}
        return [found.get(tag) for tag in tags]

    async def _list_counted(self, lists: Sequence[Sequence[int]]) -> list[list[HashtagRow]]:
        """Return the counted hashtags of each list, for concurrent searches."""
        rows = {
            row.id: row for row in await self._hashtags.list_by_ids({each for ids in lists for each in ids})
        }
        return [[rows[HashtagId(each)] for each in ids if each in rows] for ids in lists]

    async def _read_ranges(self, ranges: Sequence[TagRange]) -> list[Sequence[tuple[PostId, UserId]]]:
        """Read what concurrent requests wait for; many of them ask for the same popular hashtag."""
        distinct = list(dict.fromkeys(ranges))
        found = dict(zip(distinct, await self._posts.list_newest(distinct), strict=True))
        return [found[each] for each in ranges]


def key_of(tag: str) -> str:
    """Return the key of a text that is a hashtag. Raises NotFound for another one, which no post can have."""
    keys = hashtags_in(f"#{tag.lstrip(MARKS)}")
    if len(keys) != 1 or keys[0] != hashtag_key(tag.lstrip(MARKS)):
        raise NotFound("No such hashtag.")
    return keys[0]


def _hashtag(row: HashtagRow) -> Hashtag:
    return Hashtag(row.tag, row.posts_count)
