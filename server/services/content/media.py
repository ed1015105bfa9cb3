"""Media: pictures that are uploaded before the post that shows them.

`Posts.publish_media` moves them to a post. What no post uses within a day is deleted by the media sweep.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from server.errors import AppError, Conflict, NotFound
from server.gateways.images.processor import Shape
from server.ids import MediaId, UserId, id_timestamp_ms
from server.models.content.media import MediaRepository, MediaRow
from server.services.content.cards import Cards
from server.services.content.pictures import Pictures, StoredPicture, Upload
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import MediaProblem, UnusedMedia

# Reports a step to the owner's live streams, and returns whether they could be reached.
Announce = Callable[[UserId, MediaId, str], Awaitable[bool]]


class MediaProgress(StrEnum):
    """The steps of processing, as live streams report them."""

    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Limits of unused media: their number per user, and how long they are kept."""

    max_unused: int = 30
    kept_ms: int = 86_400_000


class Media:
    def __init__(
        self,
        media: MediaRepository,
        unit_of_work: UnitOfWork,
        cards: Cards,
        pictures: Pictures,
        limits: MediaLimits,
        announce: Announce,
    ) -> None:
        self._media = media
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._pictures = pictures
        self._limits = limits
        self._announce = announce

    async def add(
        self, owner_id: UserId, upload: Upload, once: IdempotencyToken | None = None
    ) -> UnusedMedia:
        """Process a file, and keep its picture for a post of the owner.

        Raises Conflict if the owner has too many unused media, what `Pictures.store` raises, and AlreadyDone for
        `once`.
        """
        await self._require_room(owner_id)
        try:
            stored = await self._pictures.store(upload.path, owner_id, Shape.PHOTO)
        except AppError as error:
            error.fields.setdefault("file", [error.detail])
            raise
        async with self._pictures.discarded_on_failure([stored]):
            media_id = await self._unit_of_work.run(
                partial(self._insert, owner_id, stored, upload.alt_text), token=once
            )
        await self._announce(owner_id, media_id, MediaProgress.READY)
        return await self.get(owner_id, media_id)

    async def get(self, owner_id: UserId, media_id: MediaId) -> UnusedMedia:
        """Return unused media. Raises NotFound for those of another user, and those that a post uses."""
        rows = await self._media.list_by_owner(owner_id, [media_id])
        if not rows:
            raise _missing()
        return self._record(rows[0])

    async def list_unused(self, owner_id: UserId) -> list[UnusedMedia]:
        """Return a user's unused media, newest first."""
        return [self._record(row) for row in await self._media.list_by_owner(owner_id)]

    async def describe(self, owner_id: UserId, media_id: MediaId, alt_text: str) -> UnusedMedia:
        """Change the alt text. Raises NotFound as `get`."""
        if not await self._media.set_alt_text(media_id, owner_id, alt_text):
            raise _missing()
        return await self.get(owner_id, media_id)

    async def delete(self, owner_id: UserId, media_id: MediaId) -> None:
        """Delete unused media; the sweep finds files that a failure leaves. Raises NotFound as `get`."""

        async def delete(_: WorkContext) -> MediaRow:
            rows = await self._media.lock(owner_id, [media_id])
            if not rows:
                raise _missing()
            await self._media.delete([media_id])
            return rows[0]

        row = await self._unit_of_work.run(delete)
        if row.picture is not None:
            await self._pictures.remove(row.picture.media_key)

    async def _insert(
        self, owner_id: UserId, stored: StoredPicture, alt_text: str, work: WorkContext
    ) -> MediaId:
        await self._media.lock_owner(owner_id)
        await self._require_room(owner_id)
        media_id = MediaId(work.result_id)
        await self._media.insert(media_id, owner_id, alt_text, stored.as_media())
        return media_id

    async def _require_room(self, owner_id: UserId) -> None:
        if await self._media.count(owner_id) >= self._limits.max_unused:
            raise Conflict(
                f"You have {self._limits.max_unused} images that no post uses: publish or delete some of them.",
                code="too_many_unused_media",
            )

    def _record(self, row: MediaRow) -> UnusedMedia:
        problem = MediaProblem(row.problem_code, row.problem_detail) if row.problem_code else None
        return UnusedMedia(
            id=row.id,
            status=row.status,
            alt_text=row.alt_text,
            image=row.picture and self._cards.image(row.id, row.picture, row.alt_text),
            problem=problem,
            expires_at_ms=id_timestamp_ms(row.id) + self._limits.kept_ms,
        )


def _missing() -> NotFound:
    return NotFound("No such unused image.")
