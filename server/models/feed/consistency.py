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
    """Counters, revisions and pending fan-outs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_user(self, username_key: str) -> UserId | None:
        """Return the id of the user with this normalised name."""
        rows = await self._database.rows("SELECT id FROM users WHERE username_key = ?", [username_key])
        return UserId(rows[0]["id"]) if rows else None

    async def get_usernames(self, user_ids: Sequence[int]) -> dict[int, str]:
        """Return the names of the users that exist, by id."""
        if not user_ids:
            return {}
        rows = await self._database.rows(
            f"SELECT id, username FROM users WHERE id IN ({placeholders(len(user_ids))})", list(user_ids)
        )
        return {row["id"]: row["username"] for row in rows}

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

    async def get_revisions(self, user_ids: Sequence[UserId]) -> dict[UserId, int]:
        """Return the revisions of users by id."""
        if not user_ids:
            return {}
        rows = await self._database.rows(
            f"SELECT id, revision FROM users WHERE id IN ({placeholders(len(user_ids))})", list(user_ids)
        )
        return {UserId(row["id"]): row["revision"] for row in rows}

    async def list_pending_fan_outs(self, kind: str) -> set[PostId]:
        """Return the posts with an unfinished fan-out; `kind` is the kind of these jobs."""
        rows = await self._database.rows(
            "SELECT payload FROM jobs WHERE queue = 'feed' AND kind = ? AND state IN (?, ?)",
            [kind, JobState.READY, JobState.RUNNING],
        )
        return {PostId(orjson.loads(row["payload"])["post_id"]) for row in rows}
