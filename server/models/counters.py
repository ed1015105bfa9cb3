"""Counter columns, and for each the query that returns its correct value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.models.database import Database

COUNTED_ROWS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class CountedTable:
    """A table with counters, each with the query that counts.

    A query refers to the table as `it`, which has the columns `id` and `by`. `condition` selects the rows whose
    counters are maintained: those of a deleted post are not, while a job removes its likes and comments.
    """

    name: str
    counters: Mapping[str, str]
    by: str = "id"
    condition: str = "TRUE"
    has_revision: bool = False


COUNTED_POSTS = (
    "SELECT COUNT(*) FROM posts WHERE posts.author_id = it.id AND posts.deleted_at_ms IS NULL"
    " AND posts.archived_at_ms IS NULL"
)
COUNTED_TABLES = (
    CountedTable(
        "posts",
        {
            "likes_count": "SELECT COUNT(*) FROM likes WHERE likes.post_id = it.id",
            "comments_count": "SELECT COUNT(*) FROM comments WHERE comments.post_id = it.id"
            " AND comments.hidden_by_id IS NULL AND comments.pending = 0",
        },
        condition="deleted_at_ms IS NULL",
        has_revision=True,
    ),
    CountedTable(
        "comments",
        # The condition on the post lets the query use the index.
        {
            "replies_count": "SELECT COUNT(*) FROM comments r WHERE r.post_id = it.post_id AND r.parent_id = it.id"
            " AND r.hidden_by_id IS NULL AND r.pending = 0",
            "likes_count": "SELECT COUNT(*) FROM comment_likes WHERE comment_likes.comment_id = it.id",
        },
        by="post_id",
        condition="EXISTS(SELECT 1 FROM posts p WHERE p.id = comments.post_id AND p.deleted_at_ms IS NULL)",
    ),
    CountedTable(
        "users",
        {
            "posts_count": COUNTED_POSTS,
            "follower_posts_count": f"{COUNTED_POSTS} AND posts.audience = 'followers'",
            "close_friend_posts_count": f"{COUNTED_POSTS} AND posts.audience = 'close_friends'",
            "followers_count": "SELECT COUNT(*) FROM follows WHERE follows.followee_id = it.id",
            "following_count": "SELECT COUNT(*) FROM follows WHERE follows.follower_id = it.id",
        },
    ),
)


@dataclass(frozen=True, slots=True)
class WrongCounter:
    """A counter that differs from what it counts."""

    name: str
    value: int
    counted: int


@dataclass(frozen=True, slots=True)
class CountedRow:
    """A row whose counters were compared with what they count."""

    id: int
    wrong: Sequence[WrongCounter]


class CounterRepository:
    """Compares counters with what they count, and corrects them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def compare_batch(self, table: CountedTable, after_id: int) -> list[CountedRow]:
        """Compare the counters of the next rows, by id.

        One statement reads one snapshot, and a counter changes in the transaction of what it counts. So a difference is
        an error.
        """
        return await self._compare(table, f"id > ? ORDER BY id LIMIT {COUNTED_ROWS_PER_QUERY}", after_id)

    async def lock_and_compare(self, table: CountedTable, row_id: int) -> CountedRow | None:
        """Lock a row, which every change to what is counted locks, too; then compare. None if the row is gone."""
        await self._database.rows(
            f"SELECT id FROM {table.name} WHERE id = ?{self._database.for_update}", [row_id]
        )
        rows = await self._compare(table, "id = ?", row_id)
        return rows[0] if rows else None

    async def correct(self, table: CountedTable, row: CountedRow) -> None:
        """Set the wrong counters of a row."""
        revision = ", revision = revision + 1" if table.has_revision else ""
        for wrong in row.wrong:
            await self._database.execute(
                f"UPDATE {table.name} SET {wrong.name} = ?{revision} WHERE id = ?", [wrong.counted, row.id]
            )

    async def _compare(self, table: CountedTable, condition: str, row_id: int) -> list[CountedRow]:
        own = ", ".join(dict.fromkeys(["id", table.by, *table.counters]))
        compared = ", ".join(
            f"it.{name}, ({query}) AS counted_{name}" for name, query in table.counters.items()
        )
        rows = await self._database.rows(
            f"SELECT it.id, {compared} FROM (SELECT {own} FROM {table.name}"
            f" WHERE {table.condition} AND {condition}) it ORDER BY it.id",
            [row_id],
        )
        return [CountedRow(row["id"], _wrong_counters(table, row)) for row in rows]


def _wrong_counters(table: CountedTable, row: Mapping[str, Any]) -> list[WrongCounter]:
    return [
        WrongCounter(name, row[name], row[f"counted_{name}"])
        for name in table.counters
        if row[name] != row[f"counted_{name}"]
    ]
