"""What keeps the house in order: old rows and lost pictures go, counters are compared with what they count.

Each piece of work is a job, and harmless when run twice: it looks for what is wrong now, and mends that.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from server.clock import SystemClock
from server.events import CacheKey
from server.gateways.media import MediaStore
from server.ids import min_id_at
from server.models.database import Database, placeholders, retry_on_deadlock
from server.models.jobs.jobs import JobState
from server.services.jobs.event_jobs import Queue
from server.services.jobs.jobs import Claim, Jobs

log = structlog.get_logger(__name__)

BATCH = 500
MEDIA_FOLDERS = ("posts", "avatars")
LEAST_MEDIA_AGE = timedelta(hours=1)  # a post's pictures are stored before its row is committed
MAX_LINES = 20
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Kept:
    """How many finished rows of a queue are kept; `failed` 0 keeps every dead letter."""

    completed: int
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long rows are kept that nobody takes away: idempotency keys, and notifications, read or not."""

    keys_ms: int = DAY_MS
    notifications_ms: int = 90 * DAY_MS


@dataclass(frozen=True, slots=True)
class Counted:
    """A table with counters, each with the query that says what it should be.

    The table is called `it` in them, and has the column `by` there: what the queries need besides its id. `alive` says
    which rows have counters that hold: a deleted post is being taken apart.
    """

    table: str
    counters: Mapping[str, str]
    by: str = "id"
    alive: str = "TRUE"


COUNTED = (
    Counted(
        "posts",
        {
            "likes_count": "SELECT COUNT(*) FROM likes WHERE likes.post_id = it.id",
            "comments_count": "SELECT COUNT(*) FROM comments WHERE comments.post_id = it.id",
        },
        alive="deleted_at_ms IS NULL",
    ),
    Counted(
        "comments",
        # By post as well, for the sake of the index.
        {
            "replies_count": "SELECT COUNT(*) FROM comments r WHERE r.post_id = it.post_id AND r.parent_id = it.id"
        },
        by="post_id",
        alive="EXISTS(SELECT 1 FROM posts p WHERE p.id = comments.post_id AND p.deleted_at_ms IS NULL)",
    ),
    Counted(
        "users",
        {
            "posts_count": "SELECT COUNT(*) FROM posts WHERE posts.author_id = it.id AND posts.deleted_at_ms IS NULL",
            "followers_count": "SELECT COUNT(*) FROM follows WHERE follows.followee_id = it.id",
            "following_count": "SELECT COUNT(*) FROM follows WHERE follows.follower_id = it.id",
        },
    ),
)


class Maintenance:
    """`kept` has the queues whose finished rows are pruned; `lifetimes` is how long other rows are kept."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        media: MediaStore,
        kept: Mapping[Queue, Kept],
        lifetimes: Lifetimes | None = None,
        drop_stale: Callable[[Sequence[CacheKey]], Awaitable[None]] | None = None,
    ) -> None:
        self._drop_stale = drop_stale
        self._lifetimes = lifetimes or Lifetimes()
        self._database = database
        self._jobs = jobs
        self._media = media
        self._kept = kept

    async def sweep_sessions(self, claim: Claim) -> None:
        """Delete sessions that expired: nobody can refresh them any more."""
        deleted = await self._delete_expired("sessions")
        if deleted:
            log.info("sessions_swept", sessions=deleted)
        await self._jobs.complete(claim)

    async def sweep_resets(self, claim: Claim) -> None:
        """Delete links to a new password that expired."""
        deleted = await self._delete_expired("password_resets")
        if deleted:
            log.info("resets_swept", resets=deleted)
        await self._jobs.complete(claim)

    async def sweep_keys(self, claim: Claim) -> None:
        """Delete the idempotency keys that nobody will come back with."""
        condition = f"FROM idempotency_keys WHERE created_at_ms < {self._database.now_ms} - ?"
        deleted = 0
        while ids := await self._ids(
            f"SELECT id {condition} ORDER BY created_at_ms LIMIT ?", [self._lifetimes.keys_ms, BATCH]
        ):
            deleted += await self._delete("idempotency_keys", ids)
        if deleted:
            log.info("idempotency_keys_swept", keys=deleted)
        await self._jobs.complete(claim)

    async def sweep_notifications(self, claim: Claim) -> None:
        """Delete what people were told long ago; a stream that asks for it gets `reset`."""
        first_kept = min_id_at(SystemClock().now_ms() - self._lifetimes.notifications_ms)
        deleted = 0
        while ids := await self._ids(
            "SELECT id FROM notifications WHERE id < ? ORDER BY id LIMIT ?", [first_kept, BATCH]
        ):
            touched = await self._groups(ids)
            deleted += await self._delete("notifications", ids)
            for group in touched:
                await self._recount(group)
        if deleted:
            log.info("notifications_swept", notifications=deleted)
        await self._jobs.complete(claim)

    async def retain(self, claim: Claim) -> None:
        """Delete the oldest finished jobs above what is kept."""
        for queue, kept in self._kept.items():
            await self._prune(queue, JobState.COMPLETED, kept.completed)
            if kept.failed:
                lost = await self._prune(queue, JobState.DEAD, kept.failed)
                if lost:
                    log.warning("dead_letters_deleted", queue=queue, jobs=lost, keep_failed=kept.failed)
        await self._jobs.complete(claim)

    async def audit_counters(self, claim: Claim) -> None:
        """Compare every counter with what it counts; mend and log what differs. Goes on where it was interrupted."""
        mended = int(claim.progress.get("mended", 0))
        first = int(claim.progress.get("table", 0))
        after = int(claim.progress.get("after", 0))
        for number, counted in enumerate(COUNTED):
            if number < first:
                continue
            while rows := await self._counted(counted, "id > ? ORDER BY id LIMIT ?", [after, BATCH]):
                for row in filter(lambda row: _wrong(counted, row), rows):
                    mended += await self._mend(counted, row["id"], quiet=mended >= MAX_LINES)
                after = rows[-1]["id"]
                progress = {"table": number, "after": after, "mended": mended}
                await self._jobs.save_progress(claim, progress)
            after = 0
        if mended:
            log.warning("counters_mended", counters=mended)
        await self._jobs.complete(claim)

    async def sweep_media(self, claim: Claim) -> None:
        """Delete pictures that belong to no row, an hour after they were stored, and what unfinished puts left."""
        oldest_young = datetime.now(UTC) - LEAST_MEDIA_AGE
        deleted = 0
        for folder in MEDIA_FOLDERS:
            old: list[str] = []
            async for entry in self._media.list(folder):
                if entry.modified_at < oldest_young:
                    old.append(entry.key)
                if len(old) >= BATCH:
                    deleted += await self._delete_orphans(old)
                    old = []
            deleted += await self._delete_orphans(old)
        unfinished = await self._media.remove_unfinished(LEAST_MEDIA_AGE)
        if deleted or unfinished:
            log.info("media_swept", pictures=deleted, unfinished=unfinished)
        await self._jobs.complete(claim)

    async def _groups(self, notification_ids: Sequence[int]) -> list[tuple[int, str, int]]:
        """With which others they are listed: recipient, type, target."""
        rows = await self._database.rows(
            "SELECT DISTINCT recipient_id, type, target_id FROM notifications WHERE listed = 0 AND in_app = 1"
            f" AND retracted = 0 AND id IN ({placeholders(len(notification_ids))})",
            notification_ids,
        )
        return [(row["recipient_id"], row["type"], row["target_id"]) for row in rows]

    async def _recount(self, group: tuple[int, str, int]) -> None:
        """Let the one that is listed count those that are left; who tells of more holds the inbox."""
        same = "recipient_id = ? AND type = ? AND target_id = ?"
        async with self._database.transaction():
            await self._database.rows(
                f"SELECT user_id FROM inboxes WHERE user_id = ?{self._database.for_update}", [group[0]]
            )
            rows = await self._database.rows(
                f"SELECT COUNT(*) AS n FROM notifications WHERE {same} AND listed = 0 AND in_app = 1"
                " AND retracted = 0",
                group,
            )
            await self._database.execute(
                f"UPDATE notifications SET others_count = ? WHERE {same} AND listed = 1",
                [rows[0]["n"], *group],
            )

    async def _prune(self, queue: Queue, state: JobState, keep: int) -> int:
        deleted = 0
        while ids := await self._ids(
            "SELECT id FROM jobs WHERE queue = ? AND state = ? ORDER BY finished_at_ms DESC, id DESC LIMIT ? OFFSET ?",
            [queue, state, BATCH, keep],
        ):
            deleted += await self._delete("jobs", ids)
        return deleted

    async def _counted(
        self, counted: Counted, condition: str, parameters: Sequence[Any]
    ) -> list[dict[str, Any]]:
        """Rows of a table, in the order of their ids: each counter, and as `true_<counter>` what it should be.

        They are read in one snapshot, and a change is committed with its counter: a difference is a fault.
        """
        kept = ", ".join(dict.fromkeys(["id", counted.by, *counted.counters]))
        columns = ", ".join(
            f"it.{name}, ({truth}) AS true_{name}" for name, truth in counted.counters.items()
        )
        return await self._database.rows(
            f"SELECT it.id, {columns} FROM (SELECT {kept} FROM {counted.table}"
            f" WHERE {counted.alive} AND {condition}) it ORDER BY it.id",
            parameters,
        )

    async def _mend(self, counted: Counted, row_id: int, *, quiet: bool) -> int:
        """Set the counters of a row right; how many were wrong."""
        # The lock first and the count after it: whoever changes what is counted takes the same lock.
        async with self._database.transaction():
            await self._database.rows(
                f"SELECT id FROM {counted.table} WHERE id = ?{self._database.for_update}", [row_id]
            )
            rows = await self._counted(counted, "id = ?", [row_id])
            wrong = _wrong(counted, rows[0]) if rows else []
            for name in wrong:
                newer = ", revision = revision + 1" if counted.table == "posts" else ""
                await self._database.execute(
                    f"UPDATE {counted.table} SET {name} = ?{newer} WHERE id = ?",
                    [rows[0][f"true_{name}"], row_id],
                )
        if wrong and counted.table == "posts" and self._drop_stale is not None:
            await self._drop_stale((CacheKey("post", row_id),))
        for name in wrong if not quiet else ():
            log.warning(
                "counter_mended", table=counted.table, id=row_id, counter=name, was=rows[0][name],
                counted=rows[0][f"true_{name}"],
            )  # fmt: skip
        return len(wrong)

    async def _delete_orphans(self, keys: Sequence[str]) -> int:
        folders = sorted({key.rpartition("/")[0] for key in keys})
        if not folders:
            return 0
        some = placeholders(len(folders))
        rows = await self._database.rows(
            f"SELECT media_key FROM post_images WHERE media_key IN ({some})"
            f" UNION SELECT avatar_key FROM users WHERE avatar_key IN ({some})",
            [*folders, *folders],
        )
        owned = {row["media_key"] for row in rows}
        orphans = [key for key in keys if key.rpartition("/")[0] not in owned]
        if orphans:
            await self._media.delete(orphans)
        return len(orphans)

    async def _ids(self, sql: str, parameters: Sequence[Any]) -> list[int]:
        return [row["id"] for row in await self._database.rows(sql, parameters)]

    async def _delete_expired(self, table: str) -> int:
        condition = f"FROM {table} WHERE expires_at_ms < {self._database.now_ms}"
        deleted = 0
        while ids := await self._ids(f"SELECT id {condition} ORDER BY expires_at_ms LIMIT ?", [BATCH]):
            deleted += await self._delete(table, ids)
        return deleted

    async def _delete(self, table: str, ids: Sequence[int]) -> int:
        some = sorted(ids)
        sql = f"DELETE FROM {table} WHERE id IN ({placeholders(len(some))})"
        return await retry_on_deadlock(lambda: self._database.execute(sql, some))


def _wrong(counted: Counted, row: Mapping[str, Any]) -> list[str]:
    return [name for name in counted.counters if row[name] != row[f"true_{name}"]]
