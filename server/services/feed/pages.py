"""The personalised feed, page by page: from Redis as far as it reaches, from SQL beyond, by one cursor."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from server.errors import Unavailable
from server.gateways.feed_store.timelines import Counts, Entry, State, TimelineRead, Timelines
from server.gateways.redis.pipelined_client import RedisUnavailable
from server.ids import PostId, UserId
from server.metrics import Metrics
from server.paging import DEFAULT_LIMIT, Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.feed.builder import FeedBuilder
from server.services.feed.card_cache import CardCache, Memory
from server.services.feed.queries import FeedQueries
from server.services.records import Post

TRIES = 6  # a feed, the set of the pulled, their lists: each may have to be built, and one may go meanwhile


class Feed:
    def __init__(
        self,
        source: FeedQueries,
        timelines: Timelines,
        cards: Cards,
        at_hand: CardCache,
        metrics: Metrics | None = None,
    ) -> None:
        self._source = source
        self._timelines = timelines
        self._cards = cards
        self._at_hand = at_hand
        self._metrics = metrics or Metrics()
        self._building = FeedBuilder(source, timelines, self._metrics)
        self._pages: Memory[tuple[TimelineRead, int], Page[Post]] = Memory(
            max(1, at_hand.most // DEFAULT_LIMIT)
        )

    async def page(self, reader_id: UserId, request: PageRequest) -> Page[Post]:
        """Posts of those whom the reader follows and the reader's own, newest first; short only where the feed ends.

        A page from Redis whose posts were shown before costs one round trip there, and no query. The cursor is the last
        post's id, in Redis as in SQL: so there is no seam, and what is published meanwhile comes above it.
        """
        posts: list[Post] = []
        before_id, wanted = request.before_id, request.limit + 1
        in_redis, only, page = True, None, None
        while len(posts) < wanted:
            missing = wanted - len(posts)
            if in_redis and (look := await self._look(reader_id, before_id, missing)) is not None:
                only = None if posts else look
                if only and (page := self._pages.get((only, request.limit))) is not None:
                    break
                posts += await self._shown(reader_id, look)
                if len(look.entries) == missing:
                    before_id = look.entries[-1].post_id
                elif look.floor == 0:
                    break
                else:
                    in_redis, before_id = False, min(before_id, look.floor)
            else:
                in_redis, only = False, None
                ids = await self._below(reader_id, before_id, missing)
                posts += await self._cards.posts(ids, reader_id)
                if len(ids) < missing:
                    break
                before_id = ids[-1]
        self._metrics.feed_page("redis" if in_redis else "database")
        return page or self._whole(posts, request.limit, only)

    def _whole(self, posts: Sequence[Post], limit: int, only: TimelineRead | None) -> Page[Post]:
        """The page, which is kept if it was made out of `only` this look, with nothing to be asked for again."""
        page = cut(posts, limit, lambda post: post.card.id)
        # Of what came from the database only the reader knows whether they like it.
        if only is not None and posts == [self._at_hand.shown(entry) for entry in only.entries]:
            self._pages.put((only, limit), page)
        return page

    async def _below(self, reader_id: UserId, before_id: int, limit: int) -> list[PostId]:
        authors = [reader_id, *await self._source.followees(reader_id)]
        return await self._source.newest(reader_id, authors, before_id, limit)

    async def _look(self, reader_id: UserId, before_id: int, limit: int) -> TimelineRead | None:
        """What Redis has, with what was missing there built first; None while it is away, or another process builds."""
        try:
            for _ in range(TRIES):
                look = await self._timelines.look(reader_id, before_id, limit)
                match look.state:
                    case State.OK:
                        return look
                    case State.MISSING:
                        await self._building.feed(reader_id)
                    case State.BUILDING if not await self._building.is_feed_under_way(reader_id):
                        return None
                    case State.UNPULLED:
                        await self._building.pulled()
                    case _:
                        if not await self._building.lists(look.authors):
                            return None
        except Unavailable as error:
            _pass_over(error)
        return None

    async def _shown(self, reader_id: UserId, look: TimelineRead) -> list[Post]:
        """The posts of what a look found; those that are gone left out."""
        posts = [self._at_hand.shown(entry) or self._post(entry) for entry in look.entries]
        if None in posts:
            await self._fetch(look)
            posts = [self._post(entry) for entry in look.entries]
            if cold := [entry for entry, post in zip(look.entries, posts, strict=True) if post is None]:
                loaded = await self._load(reader_id, cold)
                posts = [
                    post or loaded.get(entry.post_id) for entry, post in zip(look.entries, posts, strict=True)
                ]
        shown = [post for post in posts if post is not None]
        unknown = {entry.post_id for entry in look.entries if entry.liked is None}
        if unknown:
            likes = await self._likes(reader_id, look, unknown)
            shown = [replace(post, liked=post.id in likes) if post.id in unknown else post for post in shown]
        return shown

    def _post(self, entry: Entry) -> Post | None:
        """The post, if everything of it is at hand; whether it is liked may still have to be found out."""
        counts = entry.counts
        if counts is None:
            return None
        card = self._at_hand.post(entry.post_id, counts.edited_at_ms)
        author = self._at_hand.person(counts.author_id, entry.author_revision)
        if card is None or author is None:
            return None
        post = Post(card, author, counts.likes, counts.comments, entry.liked is True, counts.revision)
        if entry.liked is not None:
            self._at_hand.show(entry, post)
        return post

    async def _fetch(self, look: TimelineRead) -> None:
        """Bring cards from the shelf that this process has not shown yet."""
        posts = [
            entry.post_id
            for entry in look.entries
            if entry.counts and self._at_hand.post(entry.post_id, entry.counts.edited_at_ms) is None
        ]
        people = {
            entry.counts.author_id
            for entry in look.entries
            if entry.counts
            and entry.author_revision is not None
            and self._at_hand.person(entry.counts.author_id, entry.author_revision) is None
        }
        if posts or people:
            await self._at_hand.fetch(posts, list(people))

    async def _load(self, reader_id: UserId, cold: Sequence[Entry]) -> dict[PostId, Post]:
        """What Redis does not know, from the database: three queries. Redis is told, also of what is there no more."""
        posts = await self._cards.posts([entry.post_id for entry in cold], reader_id)
        followed = await self._source.followed_among(reader_id, [post.author.id for post in posts])
        await self._at_hand.keep(posts)
        found = {post.id: post for post in posts if post.author.id in followed}
        there = {post.id for post in posts}
        gone = [entry.post_id for entry in cold if entry.post_id not in there]
        counts = {
            post.id: Counts(
                post.revision, post.author.id, post.likes_count, post.comments_count, post.card.edited_at_ms
            )
            for post in posts
        }
        try:
            await self._timelines.note(counts, {post.author.id: post.author.revision for post in posts})
            await self._timelines.withdraw([reader_id], gone)
        except Unavailable as error:
            _pass_over(error)
        return found

    async def _likes(self, reader_id: UserId, look: TimelineRead, unknown: Collection[PostId]) -> set[PostId]:
        """Of the posts of which Redis does not know it, those that the reader likes."""
        if not look.likes_known:
            try:
                await self._building.likes(reader_id, look.floor)
            except Unavailable as error:
                _pass_over(error)
        return await self._source.liked_among(reader_id, list(unknown))


def _pass_over(error: Unavailable) -> None:
    """A page does without Redis; the database it needs."""
    if not isinstance(error, RedisUnavailable):
        raise error
