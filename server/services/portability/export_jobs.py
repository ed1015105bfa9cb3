"""Jobs of exports: creating an archive, and deleting expired ones."""

import asyncio
import errno
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from server.clock import SystemClock, moment
from server.errors import NotFound, StorageFull
from server.events import ExportReady
from server.gateways.media import MediaStore
from server.ids import ExportId, UserId, min_id_at
from server.models.portability.exports import UNFINISHED, ExportRepository
from server.services.content.pictures import EXPORTS_FOLDER
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.portability.archive_writer import ArchiveWriter
from server.services.portability.exported_contents import ExportedAccount, ExportedContents
from server.services.portability.exports import INTERRUPTED, INTERRUPTED_MS, STORAGE_FULL, archive_key

log = structlog.get_logger(__name__)

FOLDER_PREFIX = "export-"
PROGRESS_EVERY_S = 1.0
WRITTEN_PERCENT = 80  # of the work; the rest is the upload to the media store
ROWS_KEPT_MS = 90 * 86_400_000
ROWS_PER_BATCH = 100


class ExportProgress:
    """Saves how far an export has come, at most once per second.

    Raises LeaseLost if another worker has the job, and NotFound if the export was deleted.
    """

    def __init__(self, exports: ExportRepository, jobs: Jobs, claim: Claim, pictures: int) -> None:
        self._exports = exports
        self._jobs = jobs
        self._claim = claim
        self._pictures = max(1, pictures)
        self._written = 0
        self._saved_at_s = 0.0

    async def count_picture(self) -> None:
        self._written += 1
        await self.save(min(WRITTEN_PERCENT, WRITTEN_PERCENT * self._written // self._pictures))

    async def save(self, percent: int) -> None:
        now_s = time.monotonic()
        if now_s - self._saved_at_s < PROGRESS_EVERY_S:
            return
        self._saved_at_s = now_s
        await self._jobs.save_progress(self._claim, {"percent": percent})
        if not await self._exports.save_progress(ExportId(self._claim.payload["export_id"]), percent):
            raise NotFound("The export was deleted.")


@dataclass(frozen=True, slots=True)
class ExportRules:
    """`work_dir` holds an archive while it is written. `kept_ms`: how long archives can be downloaded.

    `origin`: the address of the service, by which archives name it.
    """

    work_dir: Path
    kept_ms: int
    origin: str


class ExportJobs:
    """Handlers of the job that creates an archive, and of the one that deletes expired archives."""

    def __init__(
        self,
        exports: ExportRepository,
        contents: ExportedContents,
        media: MediaStore,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        rules: ExportRules,
    ) -> None:
        self._exports = exports
        self._contents = contents
        self._media = media
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._rules = rules
        self._clock = SystemClock()

    async def create(self, claim: Claim) -> None:
        """Create an archive and store it.

        Idempotent: an interrupted job begins again, and only the last transaction shows the archive. What a kill leaves
        in the media store is deleted by its sweep, and what it leaves in `work_dir` by a later export.
        """
        export_id = ExportId(claim.payload["export_id"])
        row = await self._exports.find(export_id)
        if row is None or row.status not in UNFINISHED:
            await self._jobs.finish(claim)
            return
        try:
            async with self._folder() as folder:
                await self._create(claim, export_id, folder / "archive.zip")
        except NotFound:  # the account was erased
            log.info("export_cancelled", export_id=export_id)
            await self._jobs.finish(claim)
        except StorageFull:
            log.error("export_failed", export_id=export_id, reason=STORAGE_FULL)
            await self._exports.set_failed(export_id, STORAGE_FULL)
            await self._jobs.finish(claim)

    async def sweep(self, claim: Claim) -> None:
        """Delete expired archives, end interrupted exports, and delete old rows."""
        deleted = 0
        while rows := await self._exports.list_expired(ROWS_PER_BATCH):
            for row in rows:
                await self._media.delete([archive_key(row.folder)])
                await self._exports.set_expired(row.id)
                deleted += 1
            await self._jobs.save_progress(claim, {})
        interrupted = await self._exports.fail_interrupted(INTERRUPTED_MS, INTERRUPTED)
        await self._exports.delete_older(min_id_at(self._clock.now_ms() - ROWS_KEPT_MS))
        if deleted or interrupted:
            log.info("exports_swept", archives=deleted, interrupted=interrupted)
        await self._jobs.complete(claim)

    async def _create(self, claim: Claim, export_id: ExportId, path: Path) -> None:
        user_id = UserId(claim.payload["user_id"])
        pictures = await self._contents.count_pictures(user_id)
        progress = ExportProgress(self._exports, self._jobs, claim, pictures)
        await progress.save(0)
        size = await self._write(user_id, path, progress)
        media_folder = f"{EXPORTS_FOLDER}/{secrets.token_hex(16)}"
        async for stored in self._media.put_large(archive_key(media_folder), path):
            await progress.save(WRITTEN_PERCENT + (99 - WRITTEN_PERCENT) * stored // size)

        async def complete(work: WorkContext) -> None:
            if not await self._exports.set_ready(export_id, media_folder, size, self._rules.kept_ms):
                raise NotFound("The export was deleted.")
            work.emit(ExportReady(export_id, user_id))

        try:
            await self._unit_of_work.run(complete, completes=claim)
        except NotFound:
            await self._media.delete([archive_key(media_folder)])
            raise
        log.info("export_created", export_id=export_id, user_id=user_id, pictures=pictures, bytes=size)

    async def _write(self, user_id: UserId, path: Path, progress: ExportProgress) -> int:
        """Write the archive and return its size. Raises StorageFull."""
        now_ms = self._clock.now_ms()
        account = ExportedAccount(
            user_id, await self._contents.find_username(user_id), self._rules.origin, now_ms
        )
        try:
            async with ArchiveWriter.create(path, moment(now_ms)) as archive:
                await self._contents.write(archive, account, progress.count_picture)
            return (await asyncio.to_thread(path.stat)).st_size
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull("There is no space left to create the archive.") from error
            raise

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        """Create a folder for the archive, after deleting those that killed processes left."""
        await asyncio.to_thread(_remove_abandoned, self._rules.work_dir)
        with tempfile.TemporaryDirectory(dir=self._rules.work_dir, prefix=FOLDER_PREFIX) as folder:
            yield Path(folder)


def _remove_abandoned(work_dir: Path) -> None:
    written_before = time.time() - INTERRUPTED_MS / 1000
    for folder in work_dir.glob(f"{FOLDER_PREFIX}*"):
        times = [path.stat().st_mtime for path in (folder, *folder.glob("*"))]
        if max(times) < written_before:
            shutil.rmtree(folder, ignore_errors=True)
