"""The job that deletes expired unused media, and stored files without a row."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog

from server.clock import SystemClock
from server.gateways.media import MediaStore
from server.ids import min_id_at
from server.metrics import Metrics
from server.models.content.media import MediaRepository
from server.models.content.media_keys import MediaKeyRepository
from server.models.content.uploads import UploadRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs

log = structlog.get_logger(__name__)

FILES_PER_BATCH = 500
FOLDERS = ("posts", "avatars", "uploads")
MIN_AGE = timedelta(hours=1)  # files are stored before their row is committed


class MediaSweep:
    """Deletes expired rows, orphaned files and unfinished puts. Idempotent: it deletes what is orphaned now.

    `unused_kept_ms`: how long uploads are kept, and media that no post uses.
    """

    def __init__(
        self,
        media: MediaStore,
        media_keys: MediaKeyRepository,
        unused: MediaRepository,
        uploads: UploadRepository,
        jobs: Jobs,
        unused_kept_ms: int,
        metrics: Metrics,
    ) -> None:
        self._media = media
        self._media_keys = media_keys
        self._unused = unused
        self._uploads = uploads
        self._jobs = jobs
        self._unused_kept_ms = unused_kept_ms
        self._metrics = metrics

    async def sweep(self, claim: Claim) -> None:
        """Delete expired rows, then files older than MIN_AGE that no row refers to."""
        uploads = await self._uploads.delete_older(min_id_at(SystemClock().now_ms() - self._unused_kept_ms))
        self._metrics.count_uploads("expired", uploads)
        expired = await self._unused.delete_older(min_id_at(SystemClock().now_ms() - self._unused_kept_ms))
        await self._media.verify_id()
        deleted = sum([await self._sweep_folder(folder) for folder in FOLDERS])
        unfinished = await self._media.remove_unfinished(MIN_AGE)
        if expired or uploads or deleted or unfinished:
            log.info("media_swept", expired=expired, uploads=uploads, files=deleted, unfinished=unfinished)
        await self._jobs.complete(claim)

    async def _sweep_folder(self, folder: str) -> int:
        stored_before = datetime.now(UTC) - MIN_AGE
        deleted = 0
        old: list[str] = []
        async for entry in self._media.list(folder):
            if entry.modified_at < stored_before:
                old.append(entry.key)
            if len(old) >= FILES_PER_BATCH:
                deleted += await self._delete_orphans(old)
                old = []
        return deleted + await self._delete_orphans(old)

    async def _delete_orphans(self, file_keys: Sequence[str]) -> int:
        """Delete the files whose folder, the media key of a row, is not referenced. Return how many."""
        media_keys = sorted({key.rpartition("/")[0] for key in file_keys})
        if not media_keys:
            return 0
        referenced = await self._media_keys.list_referenced(media_keys)
        orphans = [key for key in file_keys if key.rpartition("/")[0] not in referenced]
        if orphans:
            await self._media.delete(orphans)
        return len(orphans)
