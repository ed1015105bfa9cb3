"""Table `drafts`: posts that are not published yet, with or without a time at which they will be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import DraftId, PostId, UserId
from server.models.audience import Audience
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.content.post_options import DEFAULT_OPTIONS, PostOptions
from server.models.content.posts import options_of
from server.models.database import Database, placeholders

MAX_PROBLEM_DETAIL = 255
OPTIONS = ("comments_enabled", "like_count_hidden")


class DraftTable(Model):
    """A draft is scheduled if `publish_at_ms` is set. Its pictures are rows of `media`.

    Publishing creates a post with a new id, sets `post_id`, and empties the rest: the row then leads from the
    id of the draft to that of the post. The problem says why a scheduled post was not published at its time.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    author_id: int
    author = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    caption = fields.TextField()
    audience = fields.CharField(max_length=16)
    comments_enabled = fields.SmallIntField(default=1, db_default=1)
    like_count_hidden = fields.SmallIntField(default=0, db_default=0)
    publish_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)
    edited_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)
    problem_code = fields.CharField(max_length=64, default="")
    problem_detail = fields.CharField(max_length=MAX_PROBLEM_DETAIL, default="")
    post_id: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "drafts"
        # The drafts of an author without those that were published, and what retention deletes.
        indexes = (("author_id", "post_id", "id"), ("post_id",))


@dataclass(frozen=True, slots=True)
class DraftRow:
    """A draft. `is_due`: its time has come, by the database's clock. `post_id`: the post that it became."""

    id: DraftId
    author_id: UserId
    caption: str
    audience: Audience
    options: PostOptions
    publish_at_ms: int | None
    edited_at_ms: int | None
    problem_code: str
    problem_detail: str
    post_id: PostId | None
    is_due: bool


@dataclass(frozen=True, slots=True)
class DraftCounts:
    """The number of an author's drafts, and of those that are scheduled."""

    all: int
    scheduled: int


class DraftRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self,
        draft_id: DraftId,
        author_id: UserId,
        caption: str,
        audience: Audience,
        publish_at_ms: int | None,
        options: PostOptions = DEFAULT_OPTIONS,
    ) -> None:
        await DraftTable.create(
            id=draft_id,
            author_id=author_id,
            caption=caption,
            audience=audience,
            publish_at_ms=publish_at_ms,
            comments_enabled=int(options.comments_enabled),
            like_count_hidden=int(options.like_count_hidden),
        )

    async def get(self, draft_id: DraftId) -> DraftRow | None:
        return await self._get(draft_id, "")

    async def lock(self, draft_id: DraftId) -> DraftRow | None:
        """Lock a draft until the commit."""
        return await self._get(draft_id, self._database.for_update)

    async def list_by_author(
        self, author_id: UserId, before_id: int, limit: int, *, scheduled: bool
    ) -> list[DraftRow]:
        """Return an author's drafts that have a time, or those without, newest first."""
        rows = await self._database.rows(
            f"SELECT {self._columns} FROM drafts WHERE author_id = ? AND post_id IS NULL AND id < ?"
            f" AND publish_at_ms IS {'NOT ' if scheduled else ''}NULL ORDER BY id DESC LIMIT ?",
            [author_id, before_id, limit],
        )
        return [_row(row) for row in rows]

    async def list_all(self, author_id: UserId) -> list[DraftRow]:
        """Return all drafts of an author that were not published, oldest first; their number is bounded."""
        rows = await self._database.rows(
            f"SELECT {self._columns} FROM drafts WHERE author_id = ? AND post_id IS NULL ORDER BY id",
            [author_id],
        )
        return [_row(row) for row in rows]

    async def count(self, author_id: UserId) -> DraftCounts:
        (row,) = await self._database.rows(
            "SELECT COUNT(*) AS n, COUNT(publish_at_ms) AS scheduled FROM drafts"
            " WHERE author_id = ? AND post_id IS NULL",
            [author_id],
        )
        return DraftCounts(row["n"], row["scheduled"])

    async def edit(
        self,
        draft_id: DraftId,
        caption: str,
        audience: Audience,
        options: PostOptions,
        edited_at_ms: int,
    ) -> None:
        await self._database.execute(
            "UPDATE drafts SET caption = ?, audience = ?, comments_enabled = ?, like_count_hidden = ?,"
            " edited_at_ms = ? WHERE id = ?",
            [
                caption,
                audience,
                int(options.comments_enabled),
                int(options.like_count_hidden),
                edited_at_ms,
                draft_id,
            ],
        )

    async def schedule(
        self, draft_id: DraftId, publish_at_ms: int | None, problem_code: str = "", problem_detail: str = ""
    ) -> None:
        """Set or clear the time, and why the draft was not published at an earlier one."""
        await self._database.execute(
            "UPDATE drafts SET publish_at_ms = ?, problem_code = ?, problem_detail = ? WHERE id = ?",
            [publish_at_ms, problem_code, problem_detail[:MAX_PROBLEM_DETAIL], draft_id],
        )

    async def set_published(self, draft_id: DraftId, post_id: PostId) -> None:
        """Record the post that a draft became."""
        await self._database.execute(
            "UPDATE drafts SET post_id = ?, caption = '', publish_at_ms = NULL, problem_code = '',"
            " problem_detail = '' WHERE id = ?",
            [post_id, draft_id],
        )

    async def delete(self, draft_ids: Sequence[DraftId]) -> None:
        await self._database.execute(
            f"DELETE FROM drafts WHERE id IN ({placeholders(len(draft_ids))})", draft_ids
        )

    async def delete_published(self, first_kept_id: int) -> int:
        """Delete the rows of drafts that became posts with an id below `first_kept_id`. Return how many."""
        select = f"SELECT id FROM drafts WHERE post_id < ? ORDER BY post_id LIMIT {DELETE_BATCH}"
        return await delete_in_batches(self._database, "drafts", select, [first_kept_id])

    @property
    def _columns(self) -> str:
        return (
            "id, author_id, caption, audience, comments_enabled, like_count_hidden, publish_at_ms, edited_at_ms,"
            " problem_code, problem_detail, post_id,"
            f" COALESCE(publish_at_ms <= {self._database.now_ms}, 0) AS is_due"
        )

    async def _get(self, draft_id: DraftId, suffix: str) -> DraftRow | None:
        rows = await self._database.rows(
            f"SELECT {self._columns} FROM drafts WHERE id = ?{suffix}", [draft_id]
        )
        return _row(rows[0]) if rows else None


def _row(row: Mapping[str, Any]) -> DraftRow:
    kept = {name: value for name, value in row.items() if name not in OPTIONS}
    converted: dict[str, Any] = {"audience": Audience(row["audience"]), "is_due": bool(row["is_due"])}
    return DraftRow(**{**kept, **converted}, options=options_of(row))
