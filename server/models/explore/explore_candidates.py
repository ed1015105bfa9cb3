"""Table `explore_candidates`: the posts with the highest scores, also hidden ones, and the rows that change scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import PostId, UserId, id_timestamp_ms
from server.models.batch_delete import DELETE_BATCH, delete_rows
from server.models.conditions import Condition
from server.models.database import Database, placeholders, retry_on_deadlock

ROWS_PER_INSERT = 250


class ExploreCandidateTable(Model):
    """The row goes with its post. `score` is in billionths."""

    post_id: int
    post = fields.OneToOneField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, primary_key=True
    )
    score = fields.BigIntField(db_index=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "explore_candidates"


class Activity(StrEnum):
    """Tables whose new rows change scores, in the order of their ids."""

    POSTS = "posts"
    LIKES = "likes"
    COMMENTS = "comments"


@dataclass(frozen=True, slots=True)
class ScoredPost:
    """The columns that the score of a post follows from."""

    id: PostId
    author_id: UserId
    likes_count: int
    comments_count: int
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class ActivityRow:
    id: int
    post_id: PostId


_COLUMNS = "p.id, p.author_id, p.likes_count, p.comments_count, p.published_at_ms"


class ExploreCandidateRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_start(self, newest: int) -> int:
        """Return the id of the post that has `newest` newer ones, or 0."""
        rows = await self._database.rows("SELECT id FROM posts ORDER BY id DESC LIMIT 1 OFFSET ?", [newest])
        return rows[0]["id"] if rows else 0

    async def find_last(self, activity: Activity) -> int:
        """Return the highest id of a table, or 0."""
        (row,) = await self._database.rows(f"SELECT MAX(id) AS id FROM {activity.value}")
        return row["id"] or 0

    async def list_activity(
        self, activity: Activity, after_id: int, before_id: int, limit: int
    ) -> list[ActivityRow]:
        """Return the next rows of a table between two ids, each with its post."""
        post_id = "id" if activity is Activity.POSTS else "post_id"
        rows = await self._database.rows(
            f"SELECT id, {post_id} AS post_id FROM {activity.value} WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            [after_id, before_id, limit],
        )
        return [ActivityRow(row["id"], PostId(row["post_id"])) for row in rows]

    async def list_scored(self, post_ids: Sequence[PostId]) -> list[ScoredPost]:
        """Return the posts that were not deleted, by id."""
        rows = await self._database.rows(
            f"SELECT {_COLUMNS} FROM posts p WHERE p.id IN ({placeholders(len(post_ids))})"
            " AND p.deleted_at_ms IS NULL ORDER BY p.id",
            post_ids,
        )
        return [_scored(row) for row in rows]

    async def list_best(self, shown: Condition, limit: int) -> list[tuple[ScoredPost, int]]:
        """Return the posts `p` with the highest scores that satisfy `shown`, with these scores."""
        rows = await self._database.rows(
            f"SELECT c.score, {_COLUMNS} FROM explore_candidates c JOIN posts p ON p.id = c.post_id"
            f" WHERE {shown.sql} ORDER BY c.score DESC, c.post_id DESC LIMIT ?",
            [*shown.parameters, limit],
        )
        return [(_scored(row), row["score"]) for row in rows]

    async def find_lowest(self, kept: int) -> int | None:
        """Return the score of the candidate at position `kept`, or None if there are fewer."""
        rows = await self._database.rows(
            "SELECT score FROM explore_candidates ORDER BY score DESC LIMIT 1 OFFSET ?", [kept - 1]
        )
        return rows[0]["score"] if rows else None

    async def put(self, scores: Mapping[PostId, int]) -> None:
        """Store the scores of posts; those that were deleted in the meantime are left out."""
        ids = sorted(scores)
        for start in range(0, len(ids), ROWS_PER_INSERT):
            part = ids[start : start + ROWS_PER_INSERT]
            cases = " ".join("WHEN ? THEN ?" for _ in part)
            values = [value for post_id in part for value in (post_id, scores[post_id])]
            sql = (
                f"REPLACE INTO explore_candidates (post_id, score) SELECT id, CASE id {cases} END FROM posts"
                f" WHERE id IN ({placeholders(len(part))})"
            )
            await retry_on_deadlock(
                lambda sql=sql, values=values, part=part: self._database.execute(sql, [*values, *part])
            )

    async def delete_below(self, score: int) -> None:
        """Delete candidates with lower scores, in batches."""
        while rows := await self._database.rows(
            "SELECT post_id FROM explore_candidates WHERE score < ? LIMIT ?", [score, DELETE_BATCH]
        ):
            ids = [row["post_id"] for row in rows]
            await delete_rows(self._database, "explore_candidates", ids, key="post_id")


def _scored(row: Mapping[str, Any]) -> ScoredPost:
    return ScoredPost(
        PostId(row["id"]),
        UserId(row["author_id"]),
        row["likes_count"],
        row["comments_count"],
        row["published_at_ms"] or id_timestamp_ms(row["id"]),
    )
