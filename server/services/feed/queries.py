"""Database queries for feeds, restricted to what the reader may see."""

from collections.abc import Sequence

from server.clock import Clock
from server.gateways.feed_store.followed_authors import FollowedAuthors
from server.gateways.feed_store.reader_marks import ReaderMarks
from server.gateways.feed_store.timeline_reads import DELETED, PostCounts
from server.ids import MAX_ID, PostId, UserId, id_timestamp_ms, min_id_at
from server.models.audience import Audience
from server.models.feed.feeds import FeedRepository, StoredCounts
from server.models.feed.tagged_posts import TaggedPostRepository
from server.services.content.visibility import Visibility

CLOCK_TOLERANCE_MS = 86_400_000
FIRST_SPAN_MS = 7 * 86_400_000
SPAN_FACTOR = 8
MARKS_SPAN_MS = 7 * 86_400_000
FEW_MARKS = 500
MAX_MARKS_READ = 4000  # of each kind
NEWEST = MAX_ID + 1


class FeedQueries:
    """Source of the cached feeds, and of the pages below them."""

    def __init__(
        self, repository: FeedRepository, tagged: TaggedPostRepository, visibility: Visibility, clock: Clock
    ) -> None:
        self._repository = repository
        self._tagged = tagged
        self._visibility = visibility
        self._clock = clock
        # These need no visibility.
        self.list_followees = repository.list_followees
        self.list_followers = repository.list_followers
        self.list_close_followers = repository.list_close_followers
        self.list_fan_out_on_read_authors = repository.list_fan_out_on_read_authors
        self.filter_marked = repository.filter_marked
        self.list_authors = repository.list_authors
        self.list_hashtags = tagged.list_hashtags
        self.list_tagged = tagged.list_newest
        self.filter_tagged = tagged.filter_tagged

    async def list_followed(self, reader_id: UserId) -> FollowedAuthors:
        """Return the authors in the reader's feed, the reader included."""
        rows = await self._repository.list_followed(reader_id)
        return FollowedAuthors(
            frozenset([reader_id, *(row.id for row in rows)]),
            frozenset([reader_id, *(row.id for row in rows if row.has_as_close_friend)]),
            frozenset(row.id for row in rows if row.follows_back),
            frozenset(await self._tagged.list_hashtags(reader_id)),
        )

    async def filter_feed_authors(self, reader_id: UserId, author_ids: Sequence[UserId]) -> set[UserId]:
        """Return which of the authors have posts in the reader's feed, always including the reader."""
        others = [author_id for author_id in author_ids if author_id != reader_id]
        if not others:
            return {reader_id}
        return {reader_id, *await self._repository.filter_followees(reader_id, others)}

    async def list_newest(
        self, reader_id: UserId, author_ids: Sequence[UserId], before_id: int, limit: int
    ) -> list[PostId]:
        """Return the newest `limit` posts of the authors below `before_id` that the reader may see, newest first.

        Reads time spans that grow eightfold: within a span the index has few entries per author, however many posts
        they have, and the query planner has no choice to make. Five spans cover everything from one week up.
        """
        visible = self._visibility.listed_posts(reader_id)
        found: list[PostId] = []
        upper = min(before_id, min_id_at(self._clock.now_ms() + CLOCK_TOLERANCE_MS))
        span_ms = FIRST_SPAN_MS
        while upper > 0 and len(found) < limit:
            lower = min_id_at(id_timestamp_ms(upper) - span_ms)
            missing = limit - len(found)
            found += await self._repository.list_posts(author_ids, (lower, upper), visible, missing)
            upper, span_ms = lower, span_ms * SPAN_FACTOR
        return found

    async def list_below(self, reader_id: UserId, before_id: int, limit: int) -> list[PostId]:
        """Return the newest `limit` posts of the reader's feed below `before_id`, newest first."""
        authors = [reader_id, *await self.list_followees(reader_id)]
        found = await self.list_newest(reader_id, authors, before_id, limit)
        hashtags = await self.list_hashtags(reader_id)
        tagged = await self._tagged.list_below(reader_id, hashtags, before_id, limit)
        return sorted({*found, *tagged}, reverse=True)[:limit]

    async def list_packed_counts(self, post_ids: Sequence[PostId]) -> dict[PostId, str]:
        """Return the counters of the posts that exist as they are cached; archived ones as those of deleted ones."""
        return {stored.id: _packed(stored) for stored in await self._repository.list_counts(post_ids)}

    def first_marked(self, post_ids: Sequence[PostId]) -> int:
        """Return from which post on likes and saves are cached: in the feed, and for explore in the last week."""
        return min(post_ids[-1], min_id_at(self._clock.now_ms() - MARKS_SPAN_MS)) if post_ids else 0

    async def list_marks(self, reader_id: UserId, from_id: int) -> ReaderMarks:
        """Return which posts from `from_id` up the reader likes and has saved, at most 4,000 of each.

        All of them, if there are fewer than 500 of each: then no page of old posts has to look them up.
        """
        liked, saved = await self._repository.list_marked(reader_id, 0, FEW_MARKS)
        if max(len(liked), len(saved)) < FEW_MARKS:
            return ReaderMarks(0, liked, saved)
        liked, saved = await self._repository.list_marked(reader_id, from_id, MAX_MARKS_READ)
        ends = [post_ids[-1] for post_ids in (liked, saved) if len(post_ids) == MAX_MARKS_READ]
        complete_from_id = max([from_id, *ends])
        return ReaderMarks(
            complete_from_id, *([each for each in ids if each >= complete_from_id] for ids in (liked, saved))
        )


def _packed(stored: StoredCounts) -> str:
    if not stored.is_listed:
        return f"{stored.revision},{DELETED}"
    return PostCounts(
        stored.revision,
        stored.author_id,
        stored.likes_count,
        stored.comments_count,
        stored.changed_at_ms,
        for_close_friends=stored.audience == Audience.CLOSE_FRIENDS,
    ).packed()
