"""The job that makes a picture of a complete upload."""

import asyncio
import tempfile
from pathlib import Path

import structlog

from server.errors import AppError, InvalidInput, NotFound, TooLarge
from server.gateways.images.processor import Shape
from server.gateways.media import MediaStore
from server.ids import MediaId
from server.models.content.media import MediaRepository
from server.models.content.uploads import UploadRepository, UploadRow
from server.services.content.media import Announce, MediaProgress
from server.services.content.pictures import Pictures, StoredPicture
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)


class MediaProcessing:
    """`work_dir` holds an upload while it is processed."""

    def __init__(
        self,
        uploads: UploadRepository,
        unused_media: MediaRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        media: MediaStore,
        pictures: Pictures,
        work_dir: Path,
        announce: Announce,
    ) -> None:
        self._uploads = uploads
        self._unused_media = unused_media
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._media = media
        self._pictures = pictures
        self._work_dir = work_dir
        self._announce = announce

    async def process(self, claim: Claim) -> None:
        """Join the parts of an upload, process the picture, and record it or its problem.

        Idempotent: the parts are deleted after the result is committed, and a repetition finds the media processed.
        What a kill leaves is deleted by the sweep.
        """
        media_id = MediaId(claim.payload["media_id"])
        row = await self._uploads.find(media_id)
        if row is None or not await self._unused_media.is_processing(media_id):
            await self._jobs.finish(claim)
            return
        await self._announce(row.owner_id, media_id, MediaProgress.PROCESSING)
        try:
            stored = await self._make_picture(row)
        except (InvalidInput, TooLarge, NotFound) as error:
            await self._fail(claim, media_id, error)
            await self._announce(row.owner_id, media_id, MediaProgress.FAILED)
        else:
            async with self._pictures.discarded_on_failure([stored]):
                completed = await self._complete(claim, media_id, stored)
            if completed:
                await self._announce(row.owner_id, media_id, MediaProgress.READY)
        try:
            await self._pictures.remove(row.folder)
        except AppError as error:  # the job is completed; the sweep deletes the parts when the upload expires
            log.warning("media_not_discarded", error=error.reason)

    async def _make_picture(self, row: UploadRow) -> StoredPicture:
        with tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
            path = Path(folder, "upload")
            await self._join(row, path)
            return await self._pictures.store(path, row.owner_id, Shape.PHOTO)

    async def _join(self, row: UploadRow, path: Path) -> None:
        with path.open("wb") as file:
            for name in await self._uploads.list_part_names(row.id):
                part = await self._media.get(f"{row.folder}/{name}")
                async for chunk in part.chunks:
                    await asyncio.to_thread(file.write, chunk)

    async def _complete(self, claim: Claim, media_id: MediaId, stored: StoredPicture) -> bool:
        """Record the picture; return False, and delete it, if the media were deleted."""

        async def complete(_: WorkContext) -> None:
            if not await self._unused_media.set_ready(media_id, stored.as_media()):
                raise NotFound("The media were deleted.")
            await self._uploads.delete_parts(media_id)

        try:
            await self._unit_of_work.run(complete, completes=claim)
        except NotFound:
            await self._pictures.discard([stored])
            await self._jobs.finish(claim)
            return False
        return True

    async def _fail(self, claim: Claim, media_id: MediaId, error: AppError) -> None:
        log.info("upload_refused", media_id=media_id, code=error.code)

        async def fail(_: WorkContext) -> None:
            await self._unused_media.set_failed(media_id, error.code, error.detail)
            await self._uploads.delete_parts(media_id)

        await self._unit_of_work.run(fail, completes=claim)
