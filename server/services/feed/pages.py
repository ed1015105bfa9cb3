"""The personalised feed, page by page: from the cached feed as far as it reaches, then from SQL."""

from collections.abc import Sequence

from server.gateways.feed_store.timeline_reads import TimelineRead
from server.ids import UserId
from server.metrics import Metrics
from server.paging import KeptPage, Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.feed.card_cache import CardCache
from server.services.feed.entry_loader import EntryLoader
from server.services.feed.queries import FeedQueries
from server.services.feed.timeline_reader import TimelineReader
from server.services.records import Post
from server.sized_cache import SizedCache

# Pages of 20 posts take 2 to 4 KB, because they share posts.
KEPT_PAGES_BYTES = 16 << 20
PAGE_BYTES, POST_BYTES = 512, 160


class Feed:
    """Pages of the feed: posts of the reader, of followed users and with followed hashtags, newest first."""

    def __init__(
        self,
        queries: FeedQueries,
        timeline: TimelineReader,
        loader: EntryLoader,
        cards: Cards,
        cache: CardCache,
        metrics: Metrics,
    ) -> None:
        self._queries = queries
        self._timeline = timeline
        self._loader = loader
        self._cards = cards
        self._cache = cache
        self._metrics = metrics
        self._pages: SizedCache[tuple[TimelineRead, int], KeptPage[Post]] = SizedCache(KEPT_PAGES_BYTES)
        cache.epoch.listen(self._pages.clear)

    async def page(self, reader_id: UserId, request: PageRequest) -> Page[Post]:
        """Return a page, which is short only at the end of the feed.

        A cached page whose posts this process has rendered costs one round trip to Redis and no query. The cursor is
        the last post's id in Redis and in SQL, so pages join without a gap and new posts appear above them.
        """
        limit = request.limit
        first = await self._timeline.read(reader_id, request.before_id, limit + 1)
        if first is not None and (page := self._pages.get((first, limit))) is not None:
            self._metrics.count_feed_page("redis")
            return page
        posts, continue_before_id = await self._read_cached(reader_id, request.before_id, limit + 1, first)
        if continue_before_id is not None:
            missing = limit + 1 - len(posts)
            posts += await self._read_database(reader_id, continue_before_id, missing)
            first = None
        self._metrics.count_feed_page("redis" if continue_before_id is None else "database")
        return self._cut(posts, limit, first)

    async def add_likers(self, reader_id: UserId, page: Page[Post]) -> Page[Post]:
        """Return a page with the likers that the reader follows; one query."""
        return Page(await self._cards.add_likers(reader_id, page.items), page.next_cursor)

    async def _read_cached(
        self, reader_id: UserId, before_id: int, wanted: int, read: TimelineRead | None
    ) -> tuple[list[Post], int | None]:
        """Return the posts of the cached feed, and below which id SQL continues; None if the page is complete.

        `read` is the first read. Reads again if some of its posts no longer exist.
        """
        posts: list[Post] = []
        while read is not None:
            missing = wanted - len(posts)
            related = await self._loader.relate(reader_id, read)
            posts += await self._loader.load_posts(reader_id, related, self._filter_feed_posts)
            if len(read.entries) < missing:
                end = read.complete_from_id
                return posts, None if end == 0 else min(before_id, end)
            if len(posts) == wanted:
                return posts, None
            before_id = read.entries[-1].post_id
            read = await self._timeline.read(reader_id, before_id, wanted - len(posts))
        return posts, before_id

    async def _read_database(self, reader_id: UserId, before_id: int, wanted: int) -> list[Post]:
        """Return the newest `wanted` posts below `before_id`, fewer only at the end of the feed."""
        posts: list[Post] = []
        while len(posts) < wanted:
            missing = wanted - len(posts)
            ids = await self._queries.list_below(reader_id, before_id, missing)
            posts += await self._cards.list_posts(ids, reader_id, with_likers=False)
            if len(ids) < missing:
                break
            before_id = ids[-1]
        return posts

    async def _filter_feed_posts(self, reader_id: UserId, posts: Sequence[Post]) -> list[Post]:
        """Return those of the posts, which the reader may see, that the feed has."""
        authors = await self._queries.filter_feed_authors(reader_id, [post.author.id for post in posts])
        others = [post.id for post in posts if post.author.id not in authors]
        tagged = await self._queries.filter_tagged(reader_id, others)
        return [post for post in posts if post.author.id in authors or post.id in tagged]

    def _cut(self, posts: Sequence[Post], limit: int, read: TimelineRead | None) -> Page[Post]:
        """Return the page; cache it if it consists of exactly this read.

        Posts loaded from the database carry the reader's likes, which the read does not identify.
        """
        page = cut(posts, limit, lambda post: post.card.id)
        if read is None or posts != [self._cache.get_rendered(entry) for entry in read.entries]:
            return page
        kept = KeptPage(page.items, page.next_cursor)
        self._pages.put((read, limit), kept, PAGE_BYTES + POST_BYTES * len(kept.items))
        return kept
