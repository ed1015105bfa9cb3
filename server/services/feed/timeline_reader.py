"""Reads posts from the cached feed: builds what Redis lacks, and assembles posts from cards and counters."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from server.gateways.feed_store.timeline_reads import (
    AuthorRelation,
    PostCounts,
    ReadStatus,
    TimelineEntry,
    TimelineRead,
)
from server.gateways.feed_store.timelines import Timelines
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import PostId, UserId
from server.metrics import Metrics
from server.models.audience import Audience
from server.services.content.cards import Cards
from server.services.feed.builder import FeedBuilder
from server.services.feed.card_cache import CardCache
from server.services.feed.queries import FeedQueries
from server.services.records import NO_RELATIONSHIP, Post, Relationship

MAX_READS = 6  # the feed, the author set and author lists may have to be built, and one may expire in between

# Muted and blocked authors, and those with a pending request, have no posts in a feed.
RELATIONSHIPS = {
    AuthorRelation.SELF: NO_RELATIONSHIP,
    AuthorRelation.FOLLOWED: Relationship(True, False, False, False, False),
    AuthorRelation.MUTUAL: Relationship(True, False, True, False, False),
}


class TimelineReader:
    """Reader of cached feeds. An unavailable Redis is not an error; an unavailable database is."""

    def __init__(
        self,
        queries: FeedQueries,
        timelines: Timelines,
        cards: Cards,
        cache: CardCache,
        metrics: Metrics,
    ) -> None:
        self._queries = queries
        self._timelines = timelines
        self._cards = cards
        self._cache = cache
        self._builder = FeedBuilder(queries, timelines, metrics)

    async def read(self, reader_id: UserId, before_id: int, limit: int) -> TimelineRead | None:
        """Return the newest `limit` entries below `before_id`, after building what is missing.

        Returns None if Redis is unavailable or another process builds the feed.
        """
        try:
            for _ in range(MAX_READS):
                read = await self._timelines.read(reader_id, before_id, limit)
                if read.status is ReadStatus.OK:
                    return read
                if not await self._build_missing(reader_id, read):
                    return None
        except RedisUnavailable:
            return None
        return None

    async def load_posts(self, reader_id: UserId, read: TimelineRead) -> list[Post]:
        """Return the posts of the entries, without those that no longer exist."""
        entries = read.entries
        posts = [self._cache.get_rendered(entry) or self._assemble(entry) for entry in entries]
        if None in posts:
            await self._load_cards(entries)
            posts = [self._assemble(entry) for entry in entries]
        if missing := [entry.post_id for entry, post in zip(entries, posts, strict=True) if post is None]:
            loaded = await self._load_from_database(reader_id, missing)
            posts = [post or loaded.get(entry.post_id) for entry, post in zip(entries, posts, strict=True)]
        existing = [post for post in posts if post is not None]
        unknown = {entry.post_id for entry in entries if entry.liked is None}
        if not unknown:
            return existing
        liked, saved = await self._load_marks(reader_id, read, unknown)
        return [
            replace(post, liked=post.id in liked, saved=post.id in saved) if post.id in unknown else post
            for post in existing
        ]

    async def _build_missing(self, reader_id: UserId, read: TimelineRead) -> bool:
        """Build what a read lacked; return False if the read need not be repeated."""
        match read.status:
            case ReadStatus.MISSING:
                await self._builder.build_feed(reader_id)
            case ReadStatus.BUILDING:
                return await self._builder.wait_for_feed(reader_id)
            case ReadStatus.AUTHOR_SET_MISSING:
                await self._builder.build_author_set()
            case ReadStatus.AUTHOR_LISTS_MISSING:
                return await self._builder.build_author_lists(read.authors)
            case ReadStatus.OK:
                pass
        return True

    def _assemble(self, entry: TimelineEntry) -> Post | None:
        """Return the post if its counters and cards are in memory; `liked` and `saved` may be unknown."""
        counts = entry.counts
        if counts is None:
            return None
        card = self._cache.get_post(entry.post_id, counts.changed_at_ms)
        author = self._cache.get_user(counts.author_id, entry.author_revision)
        if card is None or author is None:
            return None
        related = RELATIONSHIPS[entry.author_relation]
        post = Post(
            card,
            author,
            counts.likes,
            counts.comments,
            liked=entry.liked is True,
            saved=entry.saved,
            relationship=related,
            revision=counts.revision,
        )
        if entry.liked is not None:
            self._cache.put_rendered(entry, post)
        return post

    async def _load_cards(self, entries: Sequence[TimelineEntry]) -> None:
        """Load the cards that are not in memory from Redis."""
        known = [(entry, entry.counts) for entry in entries if entry.counts is not None]
        posts = [
            entry.post_id
            for entry, counts in known
            if self._cache.get_post(entry.post_id, counts.changed_at_ms) is None
        ]
        users = {
            counts.author_id
            for entry, counts in known
            if entry.author_revision is not None
            and self._cache.get_user(counts.author_id, entry.author_revision) is None
        }
        if posts or users:
            await self._cache.load(posts, list(users))

    async def _load_from_database(self, reader_id: UserId, post_ids: Sequence[PostId]) -> dict[PostId, Post]:
        """Return posts that are missing in Redis, in three queries, and store them in Redis.

        Removes posts that no longer exist, or are hidden, from the feed. Their counters are stored, because the list of
        an author with fan-out on read still has them.
        """
        posts = await self._cards.list_posts(post_ids, reader_id)
        authors = await self._queries.filter_feed_authors(reader_id, [post.author.id for post in posts])
        await self._cache.put(posts)
        existing = {post.id for post in posts}
        gone = [post_id for post_id in post_ids if post_id not in existing]
        hidden = await self._queries.list_packed_counts(gone)
        with suppress(RedisUnavailable):
            await self._timelines.record_packed(hidden)
            await self._timelines.record(
                {post.id: _counts(post) for post in posts},
                {post.author.id: post.author.revision for post in posts},
            )
            await self._timelines.remove_posts([reader_id], gone)
        return {post.id: post for post in posts if post.author.id in authors}

    async def _load_marks(
        self, reader_id: UserId, read: TimelineRead, post_ids: Collection[PostId]
    ) -> tuple[set[PostId], set[PostId]]:
        """Return which of the posts the reader likes, and which the reader has saved; caches both if they are not."""
        if not read.likes_known:
            with suppress(RedisUnavailable):
                await self._builder.build_likes(reader_id, read.complete_from_id)
        return await self._queries.filter_marked(reader_id, list(post_ids))


def _counts(post: Post) -> PostCounts:
    return PostCounts(
        post.revision,
        post.author.id,
        post.likes_count,
        post.comments_count,
        post.card.changed_at_ms,
        for_close_friends=post.card.audience is Audience.CLOSE_FRIENDS,
    )
