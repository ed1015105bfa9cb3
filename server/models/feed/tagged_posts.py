"""Posts with hashtags that readers follow, as feeds need them."""

from collections.abc import Sequence

from server.ids import HashtagId, PostId, UserId
from server.models.conditions import Column, Condition, all_of
from server.models.content.visibility import public_posts, visible_posts
from server.models.database import Database, placeholders
from server.models.people.visibility import unmuted_users


class TaggedPostRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_hashtags(self, reader_id: UserId) -> list[HashtagId]:
        """Return the hashtags that the reader follows, in no order."""
        rows = await self._database.rows(
            "SELECT hashtag_id FROM hashtag_follows WHERE user_id = ?", [reader_id]
        )
        return [HashtagId(row["hashtag_id"]) for row in rows]

    async def list_newest(self, hashtag_id: HashtagId, limit: int) -> list[PostId]:
        """Return the newest posts that the hashtag counts, newest first; some may be hidden by now."""
        rows = await self._database.rows(
            "SELECT post_id FROM hashtag_posts WHERE hashtag_id = ? AND counted = 1 ORDER BY post_id DESC LIMIT ?",
            [hashtag_id, limit],
        )
        return [PostId(row["post_id"]) for row in rows]

    async def list_below(
        self, reader_id: UserId, hashtag_ids: Sequence[HashtagId], before_id: int, limit: int
    ) -> list[PostId]:
        """Return the newest posts with any of the hashtags that the reader's feed has, newest first.

        Each hashtag is one seek in the index, however many posts it has.
        """
        if not hashtag_ids:
            return []
        shown = _shown(reader_id)
        part = (
            "SELECT * FROM (SELECT h.post_id FROM hashtag_posts h JOIN posts p ON p.id = h.post_id"
            f" WHERE h.hashtag_id = ? AND h.post_id < ? AND h.counted = 1 AND {shown.sql}"
            " ORDER BY h.post_id DESC LIMIT ?) t{}"
        )
        values = [value for each in hashtag_ids for value in (each, before_id, *shown.parameters, limit)]
        rows = await self._database.rows(
            " UNION ALL ".join(part.replace("{}", str(n)) for n, _ in enumerate(hashtag_ids)), values
        )
        return [PostId(each) for each in sorted({row["post_id"] for row in rows}, reverse=True)[:limit]]

    async def filter_tagged(self, reader_id: UserId, post_ids: Sequence[PostId]) -> set[PostId]:
        """Return which of the posts the reader's feed has because of a hashtag."""
        if not post_ids:
            return set()
        shown = _shown(reader_id)
        rows = await self._database.rows(
            "SELECT DISTINCT h.post_id FROM hashtag_posts h JOIN hashtag_follows f"
            " ON f.hashtag_id = h.hashtag_id AND f.user_id = ? JOIN posts p ON p.id = h.post_id"
            f" WHERE h.post_id IN ({placeholders(len(post_ids))}) AND h.counted = 1 AND {shown.sql}",
            [reader_id, *post_ids, *shown.parameters],
        )
        return {PostId(row["post_id"]) for row in rows}

    async def list_counting(self, post_id: PostId) -> set[HashtagId]:
        """Return the hashtags that count a post."""
        rows = await self._database.rows(
            "SELECT hashtag_id FROM hashtag_posts WHERE post_id = ? AND counted = 1", [post_id]
        )
        return {HashtagId(row["hashtag_id"]) for row in rows}


def _shown(reader_id: UserId) -> Condition:
    """Return the condition on `posts p` that everybody may see it, the reader too, who has not muted its author."""
    author = Column("p.author_id")
    return all_of(public_posts("p"), visible_posts(reader_id, "p"), unmuted_users(reader_id, author))
