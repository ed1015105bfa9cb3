"""What SQL says of feeds: the truth that everything in Redis is built from."""

from collections.abc import Sequence

from server.clock import Clock
from server.ids import MAX_ID, PostId, UserId, id_timestamp_ms, min_id_at
from server.models.database import Database, placeholders
from server.services.content.visibility import Visibility

DAY_MS = 86_400_000
FIRST_SPAN_MS = 7 * DAY_MS
WIDER = 8
AUTHORS_PER_QUERY = 1000
MAX_LIKES = 4000
NEWEST = MAX_ID + 1


class FeedQueries:
    def __init__(self, database: Database, visibility: Visibility, clock: Clock) -> None:
        self._database = database
        self._visibility = visibility
        self._clock = clock

    async def followees(self, reader_id: UserId) -> list[UserId]:
        """Whom the reader follows, in no order."""
        rows = await self._database.rows("SELECT followee_id FROM follows WHERE follower_id = ?", [reader_id])
        return [UserId(row["followee_id"]) for row in rows]

    async def followed_among(self, reader_id: UserId, author_ids: Sequence[UserId]) -> set[UserId]:
        """Those of the authors whose posts belong in the reader's feed, the reader among them."""
        others = [author_id for author_id in author_ids if author_id != reader_id]
        if not others:
            return {reader_id}
        rows = await self._database.rows(
            f"SELECT followee_id FROM follows WHERE follower_id = ? AND followee_id IN ({placeholders(len(others))})",
            [reader_id, *others],
        )
        return {reader_id, *(UserId(row["followee_id"]) for row in rows)}

    async def followers(self, author_id: UserId, after: int, limit: int) -> list[UserId]:
        """The next `limit` followers with ids above `after`, in their order."""
        rows = await self._database.rows(
            "SELECT follower_id FROM follows WHERE followee_id = ? AND follower_id > ? ORDER BY follower_id LIMIT ?",
            [author_id, after, limit],
        )
        return [UserId(row["follower_id"]) for row in rows]

    async def newest(
        self, reader_id: UserId, author_ids: Sequence[UserId], before_id: int, limit: int
    ) -> list[PostId]:
        """The newest `limit` posts of these authors below `before_id` that the reader may see, newest first.

        By spans of time that grow eightfold: of each author an index then has only a few entries to read, however many
        they have published, and an optimizer has nothing to guess. Five spans reach from a week to all there is.
        """
        found: list[PostId] = []
        upper = min(before_id, min_id_at(self._clock.now_ms() + DAY_MS))
        span_ms = FIRST_SPAN_MS
        while upper > 0 and len(found) < limit:
            lower = min_id_at(id_timestamp_ms(upper) - span_ms)
            found += await self._within(reader_id, author_ids, (lower, upper), limit - len(found))
            upper, span_ms = lower, span_ms * WIDER
        return found

    async def liked(self, reader_id: UserId, floor: int) -> tuple[int, list[PostId]]:
        """What the reader likes among the posts from `floor` up, at most 4,000; and from which post on that is all."""
        rows = await self._database.rows(
            "SELECT post_id FROM likes WHERE user_id = ? AND post_id >= ? ORDER BY post_id DESC LIMIT ?",
            [reader_id, floor, MAX_LIKES],
        )
        post_ids = [PostId(row["post_id"]) for row in rows]
        return (post_ids[-1] if len(post_ids) == MAX_LIKES else floor), post_ids

    async def liked_among(self, reader_id: UserId, post_ids: Sequence[PostId]) -> set[PostId]:
        """Those of the posts that the reader likes."""
        rows = await self._database.rows(
            f"SELECT post_id FROM likes WHERE user_id = ? AND post_id IN ({placeholders(len(post_ids))})",
            [reader_id, *post_ids],
        )
        return {PostId(row["post_id"]) for row in rows}

    async def pulled(self) -> list[UserId]:
        """The authors whose posts are not pushed."""
        rows = await self._database.rows("SELECT id FROM users WHERE fan_out_on_read = 1")
        return [UserId(row["id"]) for row in rows]

    async def _within(
        self, reader_id: UserId, author_ids: Sequence[UserId], bounds: tuple[int, int], limit: int
    ) -> list[PostId]:
        lower, upper = bounds
        seen = self._visibility.condition(reader_id)
        found: list[PostId] = []
        for start in range(0, len(author_ids), AUTHORS_PER_QUERY):
            some = author_ids[start : start + AUTHORS_PER_QUERY]
            rows = await self._database.rows(
                f"SELECT p.id FROM posts p WHERE p.author_id IN ({placeholders(len(some))}) AND p.id >= ? AND p.id < ?"
                f" AND {seen.sql} ORDER BY p.id DESC LIMIT ?",
                [*some, lower, upper, *seen.parameters, limit],
            )
            found += [PostId(row["id"]) for row in rows]
        return sorted(found, reverse=True)[:limit]
