"""Pages of listed posts, such as those of a hashtag, from the counters and cards that the feed caches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from server.gateways.feed_store.listed_reads import ListedReads
from server.gateways.feed_store.timeline_reads import AuthorRelation, TimelineEntry, TimelineRead
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import PostId, UserId
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.listed_posts import Listed
from server.services.feed.card_cache import CardCache
from server.services.feed.entry_loader import EntryLoader
from server.services.feed.pages import KEPT_PAGES_BYTES, PAGE_BYTES, POST_BYTES
from server.services.feed.strangers import STRANGERS
from server.services.records import Post
from server.sized_cache import SizedCache

EXTRA = 10  # posts that are read beyond a page, because some are not visible
MAX_READ = 200


class ListedPages:
    """The posts of a list, each as the visibility rule allows at the time of the read.

    A page whose posts this process has rendered costs one round trip to Redis besides the list. Without Redis, and for
    authors that Redis does not describe fully, the rule is part of a statement.
    """

    def __init__(self, reads: ListedReads, cards: Cards, loader: EntryLoader, cache: CardCache) -> None:
        self._reads = reads
        self._cards = cards
        self._loader = loader
        self._cache = cache
        self._pages: SizedCache[TimelineRead, list[Post]] = SizedCache(KEPT_PAGES_BYTES)
        cache.epoch.listen(self._pages.clear)

    async def page(
        self, viewer_id: UserId, listed: Listed, request: PageRequest, *, with_likers: bool = False
    ) -> Page[Post]:
        """Return the visible posts of a list, newest first; the page is short only at the end.

        `liked_by` of the posts is None unless `with_likers` is set, which takes a query.
        """
        posts = await self.list_below(viewer_id, listed, request.before_id, request.limit + 1)
        page = cut(posts, request.limit, lambda post: post.id)
        if not with_likers:
            return page
        return Page(await self._cards.add_likers(viewer_id, page.items), page.next_cursor)

    async def list_below(
        self, viewer_id: UserId, listed: Listed, before_id: int, wanted: int
    ) -> Sequence[Post]:
        """Return the newest `wanted` visible posts of a list below an id, fewer only at the end."""
        posts: list[Post] = []
        size = wanted + EXTRA
        while len(posts) < wanted:
            some = await listed(before_id, size)
            posts += await self.filter_shown(viewer_id, some, wanted - len(posts))
            if len(some) < size:
                break
            before_id, size = some[-1][0], MAX_READ
        return posts

    async def filter_shown(
        self, viewer_id: UserId, posts: Sequence[tuple[PostId, UserId]], limit: int
    ) -> list[Post]:
        """Return the first `limit` of some posts, given with their authors, that lists show to the viewer."""
        shown: list[Post] = []
        rest = posts
        while rest and len(shown) < limit:
            missing = limit - len(shown)
            try:
                read = await self._reads.read(viewer_id, rest, missing)
            except RedisUnavailable:
                found = await self._cards.list_posts([each for each, _ in rest], viewer_id, with_likers=False)
                return [*shown, *(post for post in found if not post.archived)][:limit]
            shown += await self._load(viewer_id, read, dict(rest))
            if len(read.entries) < missing:
                break
            last = read.entries[-1].post_id
            rest = rest[[each for each, _ in rest].index(last) + 1 :]
        return shown

    async def _load(
        self, viewer_id: UserId, read: TimelineRead, authors: Mapping[PostId, UserId]
    ) -> Sequence[Post]:
        """Return the visible posts of a read; the same ones, if the read is the same as before."""
        known = self._pages.get(read)
        if known is not None:
            return known
        related = await self._loader.relate(viewer_id, read, authors, keep_avoided=True)
        decided = replace(related, entries=[_leave_to_rule(entry) for entry in related.entries])
        posts = await self._loader.load_posts(viewer_id, decided, _all)
        # Posts loaded from the database carry marks of the reader that the read does not identify.
        if posts == [self._cache.get_rendered(entry) for entry in read.entries]:
            self._pages.put(read, posts, PAGE_BYTES + POST_BYTES * len(posts))
        return posts


def _leave_to_rule(entry: TimelineEntry) -> TimelineEntry:
    """Return the entry so that the rule decides about it, unless Redis determines whether a stranger may see the post.

    The caches of strangers do not say whose close friend the reader is.
    """
    known = entry.counts is not None and not entry.counts.for_close_friends
    if known or entry.author_relation not in STRANGERS:
        return entry
    return replace(entry, author_relation=AuthorRelation.AVOIDED)


async def _all(_: UserId, posts: Sequence[Post]) -> Sequence[Post]:
    return posts
