"""Tables `hashtags` and `hashtag_posts`: the hashtags of captions, kept by the jobs of the search index."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import HashtagId, PostId, UserId
from server.models.database import Database, DuplicateKey, placeholders


class HashtagTable(Model):
    """`tag` is the key that all spellings share. `posts_count` counts the posts that everyone may see.

    `followed` is 1 once a user followed the hashtag, so that the list that feeds merge has to be kept.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    tag = fields.CharField(max_length=100, unique=True)
    posts_count = fields.IntField(default=0)
    followed = fields.SmallIntField(default=0, db_default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "hashtags"


class HashtagPostTable(Model):
    """One row per hashtag and post. `counted` is 1 if the post is in `posts_count`.

    No foreign keys: deleting a post or a user must not delete rows without correcting the count.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    hashtag_id = fields.BigIntField()
    post_id = fields.BigIntField(db_index=True)
    author_id = fields.BigIntField()
    counted = fields.SmallIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "hashtag_posts"
        unique_together = (("hashtag_id", "post_id"),)
        indexes = (("author_id", "counted", "post_id"),)


TAG_INDEX = "uid_hashtag_pos_hashtag_51ea15"


@dataclass(frozen=True, slots=True)
class HashtagRow:
    id: HashtagId
    tag: str
    posts_count: int
    is_followed: bool = False


@dataclass(frozen=True, slots=True)
class TagRange:
    """The newest `limit` posts of a hashtag below an id."""

    tag: str
    before_id: int
    limit: int


class HashtagRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, tag: str) -> HashtagRow | None:
        found = await self.find_all([tag])
        return found[0] if found else None

    async def find_all(self, tags: Sequence[str]) -> list[HashtagRow]:
        """Return the hashtags with these keys that exist, in no particular order."""
        rows = await self._database.rows(
            f"SELECT id, tag, posts_count, followed FROM hashtags WHERE tag IN ({placeholders(len(tags))})",
            tags,
        )
        return [_hashtag(row) for row in rows]

    async def list_by_ids(self, hashtag_ids: Collection[int]) -> list[HashtagRow]:
        """Return the hashtags among `hashtag_ids` that have posts everyone may see, in no particular order."""
        if not hashtag_ids:
            return []
        rows = await self._database.rows(
            "SELECT id, tag, posts_count, followed FROM hashtags"
            f" WHERE id IN ({placeholders(len(hashtag_ids))}) AND posts_count > 0",
            list(hashtag_ids),
        )
        return [_hashtag(row) for row in rows]

    async def lock_or_insert(self, tag: str, new_id: int) -> HashtagId:
        """Lock the hashtag until the commit, inserted as `new_id` if it is new."""
        locked = f"SELECT id FROM hashtags WHERE tag = ?{self._database.for_update}"
        rows = await self._database.rows(locked, [tag])
        if not rows:
            try:
                await HashtagTable.create(id=new_id, tag=tag)
            except DuplicateKey:  # another transaction was first
                rows = await self._database.rows(locked, [tag])
        return HashtagId(rows[0]["id"] if rows else new_id)

    async def lock(self, hashtag_id: HashtagId) -> HashtagRow | None:
        """Lock a hashtag until the commit."""
        rows = await self._database.rows(
            f"SELECT id, tag, posts_count, followed FROM hashtags WHERE id = ?{self._database.for_update}",
            [hashtag_id],
        )
        return _hashtag(rows[0]) if rows else None

    async def change_count(self, hashtag_id: HashtagId, change: int) -> HashtagRow:
        """Change the number of posts, and return the hashtag, which is locked until the commit."""
        await self._database.execute(
            "UPDATE hashtags SET posts_count = posts_count + ? WHERE id = ?", [change, hashtag_id]
        )
        (row,) = await self._database.rows(
            "SELECT id, tag, posts_count, followed FROM hashtags WHERE id = ?", [hashtag_id]
        )
        return _hashtag(row)


class HashtagPostRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_newest(self, ranges: Sequence[TagRange]) -> list[list[tuple[PostId, UserId]]]:
        """Return the newest posts of each range with their authors, hidden ones included, in one query."""
        # FORCE INDEX: MariaDB may read all posts of a hashtag and sort them.
        table = f"hashtag_posts{self._database.force_index(TAG_INDEX)}"
        selects = [
            f"SELECT * FROM (SELECT {number} AS number, post_id, author_id FROM {table}"
            " WHERE hashtag_id = (SELECT id FROM hashtags WHERE tag = ?) AND post_id < ?"
            f" ORDER BY post_id DESC LIMIT ?) r{number}"
            for number in range(len(ranges))
        ]
        rows = await self._database.list_rows(
            " UNION ALL ".join(selects),
            [value for each in ranges for value in (each.tag, each.before_id, each.limit)],
        )
        found: list[list[tuple[PostId, UserId]]] = [[] for _ in ranges]
        for row in rows:
            found[row["number"]].append((PostId(row["post_id"]), UserId(row["author_id"])))
        return [sorted(posts, reverse=True) for posts in found]

    async def list_by_posts(self, post_ids: Sequence[PostId]) -> dict[PostId, dict[HashtagId, bool]]:
        """Return whether a post is counted, by post and hashtag; only posts that have hashtags."""
        rows = await self._database.rows(
            "SELECT post_id, hashtag_id, counted FROM hashtag_posts"
            f" WHERE post_id IN ({placeholders(len(post_ids))})",
            post_ids,
        )
        found: dict[PostId, dict[HashtagId, bool]] = {}
        for row in rows:
            found.setdefault(PostId(row["post_id"]), {})[HashtagId(row["hashtag_id"])] = bool(row["counted"])
        return found

    async def list_tags(self, post_ids: Sequence[PostId]) -> dict[PostId, dict[str, bool]]:
        """Return whether a post is counted, by post and tag; only posts that have hashtags."""
        rows = await self._database.rows(
            "SELECT p.post_id, h.tag, p.counted FROM hashtag_posts p JOIN hashtags h ON h.id = p.hashtag_id"
            f" WHERE p.post_id IN ({placeholders(len(post_ids))})",
            post_ids,
        )
        found: dict[PostId, dict[str, bool]] = {}
        for row in rows:
            found.setdefault(PostId(row["post_id"]), {})[row["tag"]] = bool(row["counted"])
        return found

    async def insert(
        self, row_id: int, hashtag_id: HashtagId, post_id: PostId, author_id: UserId, *, counted: bool
    ) -> None:
        await HashtagPostTable.create(
            id=row_id, hashtag_id=hashtag_id, post_id=post_id, author_id=author_id, counted=int(counted)
        )

    async def set_counted(self, hashtag_id: HashtagId, post_id: PostId, *, counted: bool) -> None:
        await self._database.execute(
            "UPDATE hashtag_posts SET counted = ? WHERE hashtag_id = ? AND post_id = ?",
            [int(counted), hashtag_id, post_id],
        )

    async def delete(self, hashtag_id: HashtagId, post_id: PostId) -> None:
        await self._database.execute(
            "DELETE FROM hashtag_posts WHERE hashtag_id = ? AND post_id = ?", [hashtag_id, post_id]
        )

    async def list_by_author(
        self, author_id: UserId, after_id: PostId, *, counted: bool, limit: int
    ) -> list[PostId]:
        """Return posts of an author that are counted, or that are not, by id."""
        rows = await self._database.rows(
            "SELECT DISTINCT post_id FROM hashtag_posts WHERE author_id = ? AND counted = ? AND post_id > ?"
            " ORDER BY post_id LIMIT ?",
            [author_id, int(counted), after_id, limit],
        )
        return [PostId(row["post_id"]) for row in rows]


def _hashtag(row: dict[str, Any]) -> HashtagRow:
    return HashtagRow(HashtagId(row["id"]), row["tag"], row["posts_count"], bool(row["followed"]))
