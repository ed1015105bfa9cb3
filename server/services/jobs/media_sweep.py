"""The job that deletes expired unused media, and stored files without a row."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from server.clock import SystemClock
from server.gateways.media import MediaEntry, MediaStore
from server.ids import min_id_at
from server.metrics import Metrics
from server.models.content.media import MediaRepository
from server.models.content.media_keys import MediaKeyRepository
from server.models.content.uploads import UploadRepository
from server.models.jobs.media_totals import MediaTotal, MediaTotalRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs

log = structlog.get_logger(__name__)

FILES_PER_BATCH = 500
FOLDERS = ("posts", "avatars", "uploads", "exports")
MIN_AGE = timedelta(hours=1)  # files are stored before their row is committed
# Temporary files are used by a job, which is retried for a day, after an unused image was published.
TEMPORARY_AGE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class SweptTables:
    """The rows that stored files belong to, and the totals of what is stored."""

    media_keys: MediaKeyRepository
    unused: MediaRepository
    uploads: UploadRepository
    totals: MediaTotalRepository


class _Kept:
    """Files and bytes that a sweep has found and not deleted, by kind."""

    def __init__(self, kind_of: Callable[[str], str]) -> None:
        self._kind_of = kind_of
        self._files: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def add(self, entry: MediaEntry, files: int) -> None:
        """Count a file, or with -1 one that was deleted."""
        kind = self._kind_of(entry.key)
        self._files[kind] += files
        self._bytes[kind] += files * entry.size

    def totals(self, now_ms: int) -> list[MediaTotal]:
        return [
            MediaTotal(kind, files, self._bytes[kind], now_ms) for kind, files in self._files.items() if files
        ]


class MediaSweep:
    """Deletes expired rows, orphaned files and unfinished puts. Idempotent: it deletes what is orphaned now.

    `unused_kept_ms`: how long uploads are kept, and media that no post uses. `is_temporary` names files that are
    deleted after a while even if a row refers to their folder, in case their job failed for good. What is left is
    counted by `kind_of` files.
    """

    def __init__(
        self,
        media: MediaStore,
        tables: SweptTables,
        jobs: Jobs,
        unused_kept_ms: int,
        metrics: Metrics,
        is_temporary: Callable[[str], bool],
        kind_of: Callable[[str], str],
    ) -> None:
        self._media = media
        self._media_keys = tables.media_keys
        self._unused = tables.unused
        self._uploads = tables.uploads
        self._totals = tables.totals
        self._jobs = jobs
        self._unused_kept_ms = unused_kept_ms
        self._metrics = metrics
        self._is_temporary = is_temporary
        self._kind_of = kind_of

    async def sweep(self, claim: Claim) -> None:
        """Delete expired rows, then files older than MIN_AGE that no row refers to."""
        uploads = await self._uploads.delete_older(min_id_at(SystemClock().now_ms() - self._unused_kept_ms))
        self._metrics.count_uploads("expired", uploads)
        expired = await self._unused.delete_older(min_id_at(SystemClock().now_ms() - self._unused_kept_ms))
        await self._media.verify_id()
        kept = _Kept(self._kind_of)
        deleted = sum([await self._sweep_folder(folder, kept) for folder in FOLDERS])
        await self._totals.replace(kept.totals(SystemClock().now_ms()))
        unfinished = await self._media.remove_unfinished(MIN_AGE)
        if expired or uploads or deleted or unfinished:
            log.info("media_swept", expired=expired, uploads=uploads, files=deleted, unfinished=unfinished)
        await self._jobs.complete(claim)

    async def _sweep_folder(self, folder: str, kept: _Kept) -> int:
        stored_before = datetime.now(UTC) - MIN_AGE
        deleted = 0
        old: list[MediaEntry] = []
        async for entry in self._media.list(folder):
            kept.add(entry, 1)
            if entry.modified_at < stored_before:
                old.append(entry)
            if len(old) >= FILES_PER_BATCH:
                deleted += await self._delete_orphans(old, kept)
                old = []
        return deleted + await self._delete_orphans(old, kept)

    async def _delete_orphans(self, files: Sequence[MediaEntry], kept: _Kept) -> int:
        """Delete the files whose folder, the media key of a row, is not referenced, and old temporary ones.

        Returns how many.
        """
        media_keys = sorted({file.key.rpartition("/")[0] for file in files})
        if not media_keys:
            return 0
        referenced = await self._media_keys.list_referenced(media_keys)
        temporary = await self._list_old_temporary(files)
        orphans = [
            file for file in files if file.key.rpartition("/")[0] not in referenced or file.key in temporary
        ]
        if orphans:
            await self._media.delete([file.key for file in orphans])
        for file in orphans:
            kept.add(file, -1)
        return len(orphans)

    async def _list_old_temporary(self, files: Sequence[MediaEntry]) -> set[str]:
        """Return the old temporary files, except those of drafts, whose job follows when they are published."""
        before = datetime.now(UTC) - timedelta(milliseconds=self._unused_kept_ms) - TEMPORARY_AGE
        old = [file.key for file in files if self._is_temporary(file.key) and file.modified_at < before]
        if not old:
            return set()
        drafts = await self._media_keys.list_in_drafts(sorted({key.rpartition("/")[0] for key in old}))
        return {key for key in old if key.rpartition("/")[0] not in drafts}
