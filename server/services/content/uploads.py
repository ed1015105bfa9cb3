"""Resumable uploads: their bytes arrive in parts, over any number of requests to any API process.

A part is an object in the media store, and a row that is committed after it. Which bytes have arrived is a number in
the upload's row: a part is accepted only if it begins there, so that of concurrent requests one wins, and a killed
process holds no lock that others must wait for.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha1

import structlog

from server.errors import AppError, ChecksumMismatch, Conflict, NotFound, TooLarge, Unavailable
from server.events import UploadCompleted
from server.gateways.media import MediaStore
from server.ids import MediaId, UserId, id_timestamp_ms
from server.metrics import Metrics
from server.models.content.media import MediaRepository
from server.models.content.uploads import UploadRepository, UploadRow
from server.services.content.media import Announce, MediaProgress
from server.services.content.pictures import UPLOADS_FOLDER, Pictures
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import ResumableUpload

log = structlog.get_logger(__name__)

PART_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class UploadRules:
    """Limits of resumable uploads, per user unless named otherwise.

    max_bytes: The size of one upload.
    max_unused: Unfinished uploads and unused media.
    max_unfinished_bytes: The sizes of all unfinished uploads together.
    """

    max_bytes: int
    max_unused: int
    max_unfinished_bytes: int
    kept_ms: int = 86_400_000


@dataclass(frozen=True, slots=True)
class _Part:
    start: int
    end: int
    name: str


class Uploads:
    def __init__(
        self,
        uploads: UploadRepository,
        unused_media: MediaRepository,
        unit_of_work: UnitOfWork,
        media: MediaStore,
        pictures: Pictures,
        rules: UploadRules,
        metrics: Metrics,
        announce: Announce,
    ) -> None:
        self._uploads = uploads
        self._unused_media = unused_media
        self._unit_of_work = unit_of_work
        self._media = media
        self._pictures = pictures
        self._rules = rules
        self._metrics = metrics
        self._announce = announce

    @property
    def max_bytes(self) -> int:
        return self._rules.max_bytes

    async def create(self, owner_id: UserId, length: int, alt_text: str, metadata: str) -> ResumableUpload:
        """Begin an upload of `length` bytes. `metadata` is kept for the client.

        Raises TooLarge, and Conflict if the owner has too many unfinished uploads and unused media.
        """
        if length > self._rules.max_bytes:
            raise TooLarge(f"The upload is larger than {self._rules.max_bytes} bytes.")
        folder = f"{UPLOADS_FOLDER}/{secrets.token_hex(16)}"

        async def insert(work: WorkContext) -> UploadRow:
            await self._unused_media.lock_owner(owner_id)
            await self._require_room(owner_id, length)
            upload = UploadRow(MediaId(work.result_id), owner_id, length, 0, folder, alt_text, metadata)
            await self._uploads.insert(upload)
            return upload

        row = await self._unit_of_work.run(insert)
        self._metrics.count_uploads("created")
        return self._record(row)

    async def get(self, owner_id: UserId, upload_id: MediaId) -> ResumableUpload:
        """Return a user's upload, also a complete one until it expires. Raises NotFound."""
        return self._record(await self._get(owner_id, upload_id))

    async def append(
        self,
        owner_id: UserId,
        upload_id: MediaId,
        offset: int,
        pieces: AsyncIterator[bytes],
        sha1_digest: bytes | None = None,
    ) -> ResumableUpload:
        """Store `pieces`, which begin at `offset`, and return the upload; the last byte completes it.

        If `pieces` fails, what arrived until then is kept, and its error is raised. With a digest, all or nothing is
        kept. Raises NotFound, Conflict if `offset` is not the number of bytes that have arrived, TooLarge,
        ChecksumMismatch, StorageFull and Unavailable.
        """
        row = await self._get(owner_id, upload_id)
        if offset != row.received:
            raise _wrong_offset(row.received)
        if offset:
            self._metrics.count_uploads("resumed")
        if sha1_digest is None:
            await self._append_parts(row, pieces)
        else:
            await self._append_verified(row, pieces, sha1_digest)
        return await self.get(owner_id, upload_id)

    async def delete(self, owner_id: UserId, upload_id: MediaId) -> None:
        """Delete an upload with its parts, and its media unless a post uses them. Raises NotFound."""
        row = await self._get(owner_id, upload_id)

        async def delete(_: WorkContext) -> list[str]:
            media = await self._unused_media.lock(owner_id, [upload_id])
            await self._unused_media.delete([each.id for each in media] or [upload_id])
            await self._uploads.delete(upload_id)
            return [each.picture.media_key for each in media if each.picture is not None]

        for folder in [row.folder, *await self._unit_of_work.run(delete)]:
            await self._pictures.remove(folder)

    async def _append_parts(self, row: UploadRow, pieces: AsyncIterator[bytes]) -> None:
        """Commit each part as soon as it is full, and the last one when `pieces` ends or fails."""
        buffer, start = bytearray(), row.received
        try:
            async for piece in pieces:
                _require_fit(row, start + len(buffer) + len(piece))
                buffer += piece
                if len(buffer) >= PART_BYTES:
                    content, buffer = bytes(buffer), bytearray()
                    await self._store_and_commit(row, start, content)
                    start += len(content)
        except BaseException:
            self._metrics.count_uploads("interrupted")
            if buffer:
                with suppress(AppError):  # the first error is the one to report
                    await asyncio.shield(self._store_and_commit(row, start, bytes(buffer)))
            raise
        if buffer:
            await self._store_and_commit(row, start, bytes(buffer))

    async def _append_verified(
        self, row: UploadRow, pieces: AsyncIterator[bytes], sha1_digest: bytes
    ) -> None:
        """Commit all parts together, after their digest was compared."""
        parts: list[_Part] = []
        buffer, start, digest = bytearray(), row.received, sha1(usedforsecurity=False)
        try:
            async for piece in pieces:
                _require_fit(row, start + len(buffer) + len(piece))
                digest.update(piece)
                buffer += piece
                if len(buffer) >= PART_BYTES:
                    parts.append(await self._store(row, start, bytes(buffer)))
                    start, buffer = parts[-1].end, bytearray()
            if digest.digest() != sha1_digest:
                raise ChecksumMismatch("The checksum does not match: send these bytes again.")
            if buffer:
                parts.append(await self._store(row, start, bytes(buffer)))
            if parts:
                await self._commit(row, parts)
        except BaseException as error:
            if not isinstance(
                error, Unavailable
            ):  # then the parts may be committed; otherwise the sweep finds them
                await asyncio.shield(self._discard(row, parts))
            raise

    async def _store_and_commit(self, row: UploadRow, start: int, content: bytes) -> None:
        part = await self._store(row, start, content)
        try:
            await self._commit(row, [part])
        except Conflict:
            await self._discard(row, [part])
            raise

    async def _store(self, row: UploadRow, start: int, content: bytes) -> _Part:
        # Concurrent requests may store the same bytes, so that the start alone does not name a part.
        name = f"{start}-{secrets.token_hex(8)}"
        await self._media.put_private(f"{row.folder}/{name}", content)
        self._metrics.count_upload_bytes(len(content))
        return _Part(start, start + len(content), name)

    async def _commit(self, row: UploadRow, parts: list[_Part]) -> None:
        start, end = parts[0].start, parts[-1].end

        async def commit(work: WorkContext) -> None:
            if not await self._uploads.advance(row.id, start, end):
                raise Conflict("Another request continued this upload.", code="upload_offset")
            for part in parts:
                await self._uploads.insert_part(work.new_id(), row.id, part.start, part.name)
            if end == row.length:
                await self._unused_media.insert(row.id, row.owner_id, row.alt_text, None)
                work.emit(UploadCompleted(row.id))

        await self._unit_of_work.run(commit)
        if end == row.length:
            self._metrics.count_uploads("completed")
            await self._announce(row.owner_id, row.id, MediaProgress.QUEUED)

    async def _discard(self, row: UploadRow, parts: list[_Part]) -> None:
        try:
            await self._media.delete([f"{row.folder}/{part.name}" for part in parts])
        except AppError as error:
            log.warning("media_not_discarded", error=error.reason)

    async def _get(self, owner_id: UserId, upload_id: MediaId) -> UploadRow:
        row = await self._uploads.find(upload_id, owner_id)
        if row is None:
            raise NotFound("No such upload: it may have expired.")
        return row

    async def _require_room(self, owner_id: UserId, length: int) -> None:
        unfinished = await self._uploads.get_unfinished(owner_id)
        if unfinished.count + await self._unused_media.count(owner_id) >= self._rules.max_unused:
            raise Conflict(
                f"You have {self._rules.max_unused} images that no post uses: publish or delete some of them.",
                code="too_many_unused_media",
            )
        if unfinished.total_bytes + length > self._rules.max_unfinished_bytes:
            raise Conflict(
                f"Your unfinished uploads have {unfinished.total_bytes} bytes: finish or delete some of them.",
                code="too_many_unfinished_bytes",
            )

    def _record(self, row: UploadRow) -> ResumableUpload:
        return ResumableUpload(
            row.id, row.length, row.received, row.metadata, id_timestamp_ms(row.id) + self._rules.kept_ms
        )


def _require_fit(row: UploadRow, end: int) -> None:
    if end > row.length:
        raise TooLarge(f"The body goes beyond the {row.length} bytes of the upload.")


def _wrong_offset(received: int) -> Conflict:
    return Conflict(f"Upload-Offset must be {received}.", code="upload_offset")
