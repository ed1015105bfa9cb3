"""Hashtags: search by name, their pages, and the number of their posts."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.errors import NotFound
from server.ids import UserId
from server.models.discovery.hashtags import HashtagPostRepository, HashtagRepository, HashtagRow
from server.models.discovery.search_terms import SearchKind, SearchTermRepository
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.mentions import hashtag_key, hashtags_in
from server.services.content.visibility import Visibility
from server.services.discovery.name_results import Lead, NameResults
from server.services.discovery.name_walk import NameWalk
from server.services.discovery.search_queries import NameQuery
from server.services.records import Post

MARKS = "#＃﹟"


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

    def __init__(self, hashtags: HashtagRepository) -> None:
        self._hashtags = hashtags
        self.rows: dict[int, HashtagRow] = {}

    async def read(self, hashtag_ids: Sequence[int]) -> list[int]:
        found = {row.id: row for row in await self._hashtags.list_by_ids(hashtag_ids)}
        self.rows |= found
        return [hashtag_id for hashtag_id in hashtag_ids if hashtag_id in found]


class HashtagSearch:
    def __init__(
        self,
        hashtags: HashtagRepository,
        posts: HashtagPostRepository,
        terms: SearchTermRepository,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._hashtags = hashtags
        self._posts = posts
        self._walk = NameWalk(terms, SearchKind.HASHTAG)
        self._cards = cards
        self._visibility = visibility

    async def search(self, text: str, limit: int, cursor: str | None = None) -> Page[Hashtag]:
        """Return hashtags that have the text, popular ones first, or have it but for one character if none has.

        Raises InvalidInput for a cursor of another search.
        """
        query, tag = NameQuery.of(text), hashtag_key(text.strip().lstrip(MARKS))
        exact = await self._hashtags.find(tag)
        lead = [Lead(0, 0, 0, exact.id)] if exact is not None else []
        counted = _CountedHashtags(self._hashtags)
        results = NameResults(self._walk, query, lead, counted.read)
        shown, more = await results.page(f"hashtags {tag}", limit, cursor)
        return Page([_hashtag(counted.rows[hashtag_id]) for hashtag_id in shown], more)

    async def get(self, tag: str) -> Hashtag:
        """Return a hashtag in any spelling; one that no post has has a count of 0. Raises NotFound."""
        key = key_of(tag)
        found = await self._hashtags.find(key)
        return Hashtag(key, 0) if found is None else _hashtag(found)

    async def list_posts(self, viewer_id: UserId, tag: str, request: PageRequest) -> Page[Post]:
        """Return the posts of a hashtag that the viewer may see, newest first. Raises NotFound."""
        hashtag = await self._hashtags.find(key_of(tag))
        if hashtag is None:
            return Page([], None)
        visible = self._visibility.listed_posts(viewer_id)
        ids = await self._posts.list_post_ids(hashtag.id, visible, request.before_id, request.limit + 1)
        posts = await self._cards.list_posts(ids, viewer_id)
        return cut(posts, request.limit, lambda post: post.id)


def key_of(tag: str) -> str:
    """Return the key of a text that is a hashtag. Raises NotFound for another one, which no post can have."""
    keys = hashtags_in(f"#{tag.lstrip(MARKS)}")
    if len(keys) != 1 or keys[0] != hashtag_key(tag.lstrip(MARKS)):
        raise NotFound("No such hashtag.")
    return keys[0]


def _hashtag(row: HashtagRow) -> Hashtag:
    return Hashtag(row.tag, row.posts_count)
