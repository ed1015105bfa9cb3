"""Database side of the comparison between the cached feeds and the database."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from server.ids import PostId, UserId
from server.models.database import Database, placeholders
from server.models.jobs.jobs import JobState


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """Counters of a post in the database."""

    id: PostId
    author_id: UserId
    likes_count: int
    comments_count: int
    revision: int
    edited_at_ms: int | None
    deleted_at_ms: int | None


class ConsistencyRepository:
    """Counters and pending fan-outs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_counts(self, post_ids: Sequence[PostId]) -> list[StoredCounts]:
        """Return the counters of posts, including deleted ones."""
        if not post_ids:
            return []
        rows = await self._database.rows(
            "SELECT id, author_id, likes_count, comments_count, revision, edited_at_ms, deleted_at_ms FROM posts"
            f" WHERE id IN ({placeholders(len(post_ids))})",
            post_ids,
        )
        return [StoredCounts(**row) for row in rows]

    async def list_pending_fan_outs(self, kind: str) -> set[PostId]:
        """Return the posts with an unfinished fan-out; `kind` is the kind of these jobs."""
        rows = await self._database.rows(
            "SELECT payload FROM jobs WHERE queue = 'feed' AND kind = ? AND state IN (?, ?)",
            [kind, JobState.READY, JobState.RUNNING],
        )
        return {PostId(orjson.loads(row["payload"])["post_id"]) for row in rows}
