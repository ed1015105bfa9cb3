"""Posts of the entries that Redis returned, assembled from cards and counters; what Redis lacks is read from SQL."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from server.gateways.feed_store.timeline_reads import (
    AuthorRelation,
    PostCounts,
    TimelineEntry,
    TimelineRead,
)
from server.gateways.feed_store.timelines import Timelines
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.services.content.cards import Cards
from server.services.feed.builder import FeedBuilder
from server.services.feed.card_cache import CardCache
from server.services.feed.queries import FeedQueries
from server.services.feed.strangers import RELATIONSHIPS, STRANGERS, Strangers
from server.services.records import Post

# Returns those of the posts, which the reader may see, that belong to the list.
Belonging = Callable[[UserId, Sequence[Post]], Awaitable[Sequence[Post]]]


class EntryLoader:
    """Loads posts for the feed and for explore. `builder` builds likes and saves that are not cached."""

    def __init__(
        self,
        queries: FeedQueries,
        timelines: Timelines,
        cards: Cards,
        cache: CardCache,
        strangers: Strangers,
        builder: FeedBuilder,
    ) -> None:
        self._queries = queries
        self._timelines = timelines
        self._cards = cards
        self._cache = cache
        self._strangers = strangers
        self._builder = builder

    async def relate(
        self,
        reader_id: UserId,
        read: TimelineRead,
        authors: Mapping[PostId, UserId] | None = None,
        *,
        keep_avoided: bool = False,
    ) -> TimelineRead:
        """Return the read with the relations that are not cached, without authors that the reader avoids.

        `authors` are those of the posts; None: they are looked up, which takes a query.
        With `keep_avoided`, posts of avoided authors are loaded with the visibility rule, which shows muted ones.
        """
        unknown = [entry for entry in read.entries if entry.author_relation is AuthorRelation.UNKNOWN]
        if not unknown:
            return read
        if authors is None:
            authors = await self._queries.list_authors([entry.post_id for entry in unknown])
        asked = {authors[entry.post_id] for entry in unknown if entry.post_id in authors}
        relations = await self._strangers.resolve(reader_id, asked)
        related: list[TimelineEntry] = []
        for entry in read.entries:
            relation: AuthorRelation | None = entry.author_relation
            if relation is AuthorRelation.UNKNOWN:
                author_id = authors.get(entry.post_id)
                relation = None if author_id is None else relations.get(author_id)
            if relation is not None and (keep_avoided or relation is not AuthorRelation.AVOIDED):
                related.append(replace(entry, author_relation=relation))
        return replace(read, entries=related)

    async def load_posts(self, reader_id: UserId, read: TimelineRead, belonging: Belonging) -> list[Post]:
        """Return the posts of related entries, without those that no longer exist.

        Of authors that the reader does not follow, only posts that everybody may see are returned.
        """
        entries = read.entries
        posts = [self._cache.get_rendered(entry) or self._assemble(entry) for entry in entries]
        if None in posts:
            await self._load_cards(entries)
            posts = [self._assemble(entry) for entry in entries]
        if missing := [entry.post_id for entry, post in zip(entries, posts, strict=True) if post is None]:
            loaded = await self._load_from_database(reader_id, missing, belonging)
            posts = [post or loaded.get(entry.post_id) for entry, post in zip(entries, posts, strict=True)]
        existing = [
            post
            for entry, post in zip(entries, posts, strict=True)
            if post is not None and (post.is_public or entry.author_relation not in STRANGERS)
        ]
        unknown = {entry.post_id for entry in entries if entry.liked is None}
        if not unknown:
            return existing
        liked, saved = await self._load_marks(reader_id, read, unknown)
        return [
            replace(post, liked=post.id in liked, saved=post.id in saved) if post.id in unknown else post
            for post in existing
        ]

    def _assemble(self, entry: TimelineEntry) -> Post | None:
        """Return the post if its counters and cards are in memory; `liked` and `saved` may be unknown."""
        counts, related = entry.counts, RELATIONSHIPS.get(entry.author_relation)
        if counts is None or related is None:
            return None
        card = self._cache.get_post(entry.post_id, counts.changed_at_ms)
        author = self._cache.get_user(counts.author_id, entry.author_revision)
        if card is None or author is None:
            return None
        post = Post(
            card,
            author,
            counts.likes,
            counts.comments,
            liked=entry.liked is True,
            saved=entry.saved,
            relationship=related,
            revision=counts.revision,
            is_own=entry.author_relation is AuthorRelation.SELF,
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

    async def _load_from_database(
        self, reader_id: UserId, post_ids: Sequence[PostId], belonging: Belonging
    ) -> dict[PostId, Post]:
        """Return posts that are missing in Redis, in three queries, and store them in Redis.

        Removes posts that no longer exist, or are hidden, from the feed. Their counters are stored, because the list of
        an author with fan-out on read still has them.
        """
        found = await self._cards.list_posts(post_ids, reader_id, with_likers=False)
        posts = [post for post in found if not post.archived]  # the reader may be the author
        belong = await belonging(reader_id, posts)
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
        return {post.id: post for post in belong}

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
