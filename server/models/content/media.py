"""Table `media`: pictures that no post shows yet, those of drafts included."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import Any

import orjson
from tortoise import fields
from tortoise.models import Model

from server.ids import DraftId, MediaId, UserId
from server.models.batch_delete import DELETE_BATCH
from server.models.database import Database, placeholders, retry_on_deadlock

MAX_PROBLEM_DETAIL = 255


COLUMNS = (
    "id, status, alt_text, media_key, width, height, blurhash, variants, picture_hash, problem_code,"
    " problem_detail"
)


class MediaStatus(StrEnum):
    """Only `ready` media have a picture; `failed` ones have a problem."""

    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class MediaTable(Model):
    """Publishing moves a row to `post_images`, under the same id. `media_key` and `variants` are as there.

    The columns of the picture are empty unless `status` is `ready`. The id contains the time of the upload.
    `draft_id` is set for those that a draft uses, in the order of `position`: they do not expire.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    owner_id: int
    owner = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    status = fields.CharField(max_length=16)
    alt_text = fields.CharField(max_length=1000, default="")
    media_key = fields.CharField(max_length=100, default="")
    width = fields.IntField(default=0)
    height = fields.IntField(default=0)
    blurhash = fields.CharField(max_length=64, default="")
    picture_hash = fields.CharField(max_length=32, null=True)
    variants = fields.TextField()
    problem_code = fields.CharField(max_length=64, default="")
    problem_detail = fields.CharField(max_length=MAX_PROBLEM_DETAIL, default="")
    draft_id: fields.Field[int | None] = fields.BigIntField(null=True)
    position = fields.SmallIntField(default=0, db_default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "media"
        # The sweep looks up which folders belong to a row, and which rows without a draft are old.
        indexes = (("owner_id", "id"), ("media_key",), ("draft_id", "id"))


@dataclass(frozen=True, slots=True)
class MediaPicture:
    """The renditions of a picture; see `PostImageTable`."""

    media_key: str
    width: int
    height: int
    blurhash: str
    variants: tuple[str, ...]
    picture_hash: str | None = None


@dataclass(frozen=True, slots=True)
class MediaRow:
    """`picture` is None unless the status is `ready`; the problem is empty unless it is `failed`."""

    id: MediaId
    status: MediaStatus
    alt_text: str
    picture: MediaPicture | None
    problem_code: str
    problem_detail: str


class MediaRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self, media_id: MediaId, owner_id: UserId, alt_text: str, picture: MediaPicture | None
    ) -> None:
        """Insert media that are `ready`, or `processing` without a picture."""
        status = MediaStatus.PROCESSING if picture is None else MediaStatus.READY
        columns: dict[str, Any] = {"variants": "[]"} if picture is None else _columns(picture)
        await MediaTable.create(id=media_id, owner_id=owner_id, status=status, alt_text=alt_text, **columns)

    async def count(self, owner_id: UserId) -> int:
        """Return how many media of a user neither a post nor a draft uses."""
        (row,) = await self._database.rows(
            "SELECT COUNT(*) AS n FROM media WHERE owner_id = ? AND draft_id IS NULL", [owner_id]
        )
        return row["n"]

    async def lock_owner(self, owner_id: UserId) -> None:
        """Lock the owner's account until the commit, so that `count` stays right."""
        await self._database.rows(f"SELECT id FROM users WHERE id = ?{self._database.for_update}", [owner_id])

    async def list_by_owner(
        self, owner_id: UserId, media_ids: Sequence[MediaId] | None = None
    ) -> list[MediaRow]:
        """Return a user's media that no draft uses, newest first; all of them, or those among `media_ids`."""
        return await self._list(owner_id, media_ids, "")

    async def lock(self, owner_id: UserId, media_ids: Sequence[MediaId]) -> list[MediaRow]:
        """Return the user's media among `media_ids` that no draft uses, locked until the commit."""
        return await self._list(owner_id, media_ids, self._database.for_update)

    async def set_alt_text(self, media_id: MediaId, owner_id: UserId, alt_text: str) -> bool:
        """Return whether the user has such media."""
        changed = await self._database.execute(
            "UPDATE media SET alt_text = ? WHERE id = ? AND owner_id = ? AND draft_id IS NULL",
            [alt_text, media_id, owner_id],
        )
        return changed > 0

    async def set_ready(self, media_id: MediaId, picture: MediaPicture) -> bool:
        """Return False if the media are not in processing any more."""
        changed = await MediaTable.filter(id=media_id, status=MediaStatus.PROCESSING).update(
            status=MediaStatus.READY, **_columns(picture)
        )
        return changed > 0

    async def set_failed(self, media_id: MediaId, code: str, detail: str) -> None:
        await MediaTable.filter(id=media_id, status=MediaStatus.PROCESSING).update(
            status=MediaStatus.FAILED, problem_code=code, problem_detail=detail[:MAX_PROBLEM_DETAIL]
        )

    async def is_processing(self, media_id: MediaId) -> bool:
        return await MediaTable.exists(id=media_id, status=MediaStatus.PROCESSING)

    async def use(self, draft_id: DraftId, media_ids: Sequence[MediaId]) -> None:
        """Let a draft use media in this order."""
        for position, media_id in enumerate(media_ids):
            await self._database.execute(
                "UPDATE media SET draft_id = ?, position = ? WHERE id = ?", [draft_id, position, media_id]
            )

    async def describe(self, media_id: MediaId, alt_text: str) -> None:
        """Set the alt text of media that a draft uses."""
        await self._database.execute("UPDATE media SET alt_text = ? WHERE id = ?", [alt_text, media_id])

    async def list_by_drafts(self, draft_ids: Sequence[DraftId]) -> dict[DraftId, list[MediaRow]]:
        """Return the media of drafts in their order, by draft."""
        rows = await self._database.rows(
            f"SELECT {COLUMNS}, draft_id FROM media WHERE draft_id IN ({placeholders(len(draft_ids))})"
            " ORDER BY draft_id, position",
            draft_ids,
        )
        found: dict[DraftId, list[MediaRow]] = {}
        for row in rows:
            found.setdefault(DraftId(row["draft_id"]), []).append(_row(row))
        return found

    async def delete(self, media_ids: Sequence[MediaId]) -> None:
        await self._database.execute(
            f"DELETE FROM media WHERE id IN ({placeholders(len(media_ids))})", media_ids
        )

    async def delete_older(self, first_kept_id: int) -> int:
        """Delete the media without a draft whose id is below `first_kept_id`. Return how many."""
        deleted = 0
        old = f"SELECT id FROM media WHERE draft_id IS NULL AND id < ? ORDER BY id LIMIT {DELETE_BATCH}"
        while rows := await self._database.rows(old, [first_kept_id]):
            ids = [row["id"] for row in rows]
            # A draft may have begun to use some of them.
            sql = f"DELETE FROM media WHERE id IN ({placeholders(len(ids))}) AND draft_id IS NULL"
            deleted += await retry_on_deadlock(partial(self._database.execute, sql, ids))
        return deleted

    async def _list(
        self, owner_id: UserId, media_ids: Sequence[MediaId] | None, suffix: str
    ) -> list[MediaRow]:
        some = "" if media_ids is None else f" AND id IN ({placeholders(len(media_ids))})"
        rows = await self._database.rows(
            f"SELECT {COLUMNS} FROM media WHERE owner_id = ? AND draft_id IS NULL{some} ORDER BY id DESC{suffix}",
            [owner_id, *(media_ids or ())],
        )
        return [_row(row) for row in rows]


def _columns(picture: MediaPicture) -> dict[str, Any]:
    return {**asdict(picture), "variants": orjson.dumps(picture.variants).decode()}


def _row(row: dict[str, Any]) -> MediaRow:
    picture = MediaPicture(
        row["media_key"],
        row["width"],
        row["height"],
        row["blurhash"],
        tuple(orjson.loads(row["variants"])),
        row["picture_hash"],
    )
    status = MediaStatus(row["status"])
    return MediaRow(
        MediaId(row["id"]),
        status,
        row["alt_text"],
        picture if status is MediaStatus.READY else None,
        row["problem_code"],
        row["problem_detail"],
    )
