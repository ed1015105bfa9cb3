"""Uses of hashtags over time: in posts that everyone may see, by author."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import HashtagId, PostId, UserId
from server.models.database import Database

MAX_USES_PER_SPAN = 500


@dataclass(frozen=True, slots=True)
class HashtagUse:
    post_id: PostId
    hashtag_id: HashtagId
    author_id: UserId


class HashtagUseRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_uses(self, from_id: int, before_id: int, limit: int) -> list[HashtagUse]:
        """Return uses in posts with from_id <= id < before_id, newest post first."""
        rows = await self._database.rows(
            "SELECT post_id, hashtag_id, author_id FROM hashtag_posts"
            " WHERE post_id >= ? AND post_id < ? AND counted = 1 ORDER BY post_id DESC LIMIT ?",
            [from_id, before_id, limit],
        )
        return [
            HashtagUse(PostId(row["post_id"]), HashtagId(row["hashtag_id"]), UserId(row["author_id"]))
            for row in rows
        ]

    async def count_authors(self, hashtag_id: HashtagId, spans: Sequence[tuple[int, int]]) -> list[int]:
        """Return how many authors used a hashtag in each span of ids, among its 500 newest uses in the span."""
        counts = ", ".join(
            "(SELECT COUNT(DISTINCT u.author_id) FROM (SELECT author_id FROM hashtag_posts WHERE hashtag_id = ?"
            " AND post_id >= ? AND post_id < ? AND counted = 1 ORDER BY post_id DESC LIMIT ?) u)"
            f" AS n{number}"
            for number, _ in enumerate(spans)
        )
        values = [each for span in spans for each in (hashtag_id, *span, MAX_USES_PER_SPAN)]
        (row,) = await self._database.rows(f"SELECT {counts}", values)
        return [row[f"n{number}"] for number, _ in enumerate(spans)]
