"""Removals: takes apart what was deleted, in pieces, after the answer was given.

What is removed here is hidden already, or belongs to nobody: no read waits for it.
"""

from collections.abc import Sequence

from server.ids import PostId
from server.models.database import Database, placeholders, retry_on_deadlock
from server.services.content.pictures import Pictures
from server.services.jobs.jobs import Claim, Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

BATCH = 500
PARTS = ("likes", "comments", "notifications")


class Deletions:
    """`batch`: how many rows one statement deletes at most, so that its locks are short."""

    def __init__(
        self, database: Database, unit_of_work: UnitOfWork, jobs: Jobs, pictures: Pictures, batch: int = BATCH
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._pictures = pictures
        self._batch = batch

    async def remove_post(self, claim: Claim) -> None:
        """Delete what hangs on a deleted post, then its pictures, then its row.

        Twice is once: each step deletes what is left now, and the row, by which the rest is found, goes last.
        """
        post_id = PostId(claim.payload["post_id"])
        gone = await self._database.rows(
            "SELECT 1 FROM posts WHERE id = ? AND deleted_at_ms IS NOT NULL", [post_id]
        )
        if not gone:
            await self._jobs.finish(claim)
            return
        for table in PARTS:
            await self._empty(claim, table, post_id)
        for row in await self._database.rows(
            "SELECT media_key FROM post_images WHERE post_id = ?", [post_id]
        ):
            await self._remove_picture(row["media_key"], post_id)

        async def body(_: WorkContext) -> None:
            await self._database.execute("DELETE FROM post_images WHERE post_id = ?", [post_id])
            await self._database.execute("DELETE FROM posts WHERE id = ?", [post_id])

        await self._unit_of_work.run(body, completes=claim)

    async def remove_avatar(self, claim: Claim) -> None:
        """Delete the renditions of an avatar that nobody has any more. Twice is once: a key is never used again."""
        media_key = str(claim.payload["media_key"])
        if not await self._database.rows("SELECT 1 FROM users WHERE avatar_key = ? LIMIT 1", [media_key]):
            await self._pictures.remove(media_key)
        await self._jobs.finish(claim)

    async def _remove_picture(self, media_key: str, post_id: PostId) -> None:
        """Delete a picture, unless another post shows the same: sample data share theirs. When the last two posts go at
        once, it is left to the sweep."""
        others = "SELECT 1 FROM post_images WHERE media_key = ? AND post_id <> ? LIMIT 1"
        if not await self._database.rows(others, [media_key, post_id]):
            await self._pictures.remove(media_key)

    async def _empty(self, claim: Claim, table: str, post_id: PostId) -> None:
        """Delete the rows of a post in no order, which an order would cost a sort each time; saved after each piece,
        so that whoever has lost the job notices."""
        while ids := [
            row["id"]
            for row in await self._database.rows(
                f"SELECT id FROM {table} WHERE post_id = ? LIMIT ?", [post_id, self._batch]
            )
        ]:
            await self._delete(table, sorted(ids))
            await self._jobs.save_progress(claim, {"emptying": table})

    async def _delete(self, table: str, ids: Sequence[int]) -> None:
        sql = f"DELETE FROM {table} WHERE id IN ({placeholders(len(ids))})"
        await retry_on_deadlock(lambda: self._database.execute(sql, ids))
