"""Exports as their owners see them: request one, watch it, and download the archive by a signed link."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import partial

from server.errors import Conflict, NotFound
from server.events import ExportRequested
from server.gateways.media import MediaDescription, MediaObject, MediaStore
from server.ids import ExportId, UserId, id_timestamp_ms
from server.models.accounts.logins import LoginRepository
from server.models.portability.exports import (
    UNFINISHED,
    ExportRepository,
    ExportRow,
    ExportStatus,
)
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Confirmation, Principal

ARCHIVE = "archive.zip"
# An export whose job made no progress for this long was interrupted for good.
INTERRUPTED_MS = 86_400_000
INTERRUPTED = "interrupted"
STORAGE_FULL = "storage_full"


@dataclass(frozen=True, slots=True)
class Export:
    """An export. `progress` is in percent; `url`, `size` and `expires_at_ms` are those of an archive that is ready.

    `problem` says why it failed: `interrupted` or `storage_full`.
    """

    id: ExportId
    status: ExportStatus
    progress: int
    requested_at_ms: int
    size: int | None = None
    url: str | None = None
    expires_at_ms: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """An archive in the media store."""

    key: str
    name: str
    description: MediaDescription


class Exports:
    """`base_url` is the address of the service; `secret` signs the links."""

    def __init__(
        self,
        exports: ExportRepository,
        logins: LoginRepository,
        unit_of_work: UnitOfWork,
        reauthentication: Reauthentication,
        media: MediaStore,
        base_url: str,
        secret: bytes,
    ) -> None:
        self._exports = exports
        self._logins = logins
        self._unit_of_work = unit_of_work
        self._reauthentication = reauthentication
        self._media = media
        self._base_url = base_url
        self._secret = secret

    async def request(
        self, principal: Principal, confirmation: Confirmation, once: IdempotencyToken | None = None
    ) -> Export:
        """Request an archive; a job creates it.

        Raises as `Reauthentication.reauthenticate`, Conflict (`export_in_progress`), and AlreadyDone for `once`.
        """
        await self._reauthentication.confirm(principal, confirmation)
        await self._unit_of_work.run(partial(self._insert, principal), token=once)
        return await self.get(principal.user_id)

    async def get(self, user_id: UserId) -> Export:
        """Return the export that the user requested last. Raises NotFound if there is none."""
        row = await self._exports.find_newest(user_id)
        if row is None:
            raise NotFound("You have not requested an export.")
        return self._export(row)

    async def find_archive(self, export_id: ExportId, signature: str) -> StoredArchive:
        """Return the archive that a link names.

        Raises NotFound, with the same text for a wrong signature and an archive that is gone. A link ends when the
        archive expires, and when the password is changed: another person may have requested it.
        """
        row = await self._exports.find(export_id)
        if row is None or not hmac.compare_digest(self._sign(export_id), signature.encode(errors="replace")):
            raise _missing()
        if _status(row) is not ExportStatus.READY:
            raise _missing()
        login = await self._logins.get(row.user_id)
        if login is None or login.password_changed_at_ms > id_timestamp_ms(export_id):
            raise _missing()
        key = archive_key(row.folder)
        return StoredArchive(key, f"photofeed-{export_id}.zip", await self._media.describe(key))

    async def read(self, archive: StoredArchive, part: range) -> MediaObject:
        """Return the bytes of an archive at the positions in `part`. Raises NotFound."""
        return await self._media.get(archive.key, part)

    async def delete(self, user_id: UserId, export_id: ExportId) -> None:
        """Delete an export of a user and its archive; the sweep of the media store finds what a failure leaves."""
        row = await self._exports.find(export_id)
        if row is None or row.user_id != user_id:
            return
        await self._exports.delete(export_id, user_id)
        if row.folder:
            await self._media.delete([archive_key(row.folder)])

    async def _insert(self, principal: Principal, work: WorkContext) -> None:
        user_id = principal.user_id
        await self._reauthentication.require(
            principal
        )  # it locks the user, so that there is one request at a time
        newest = await self._exports.find_newest(user_id)
        if newest is not None and _status(newest) in UNFINISHED:
            raise Conflict(
                "An export is being created: wait until it is ready.",
                code="export_in_progress",
                retry_after_s=60.0,
            )
        export_id = ExportId(work.result_id)
        await self._exports.insert(export_id, user_id)
        work.emit(ExportRequested(export_id, user_id))

    def _export(self, row: ExportRow) -> Export:
        status = _status(row)
        ready = status is ExportStatus.READY
        failed = status is ExportStatus.FAILED
        return Export(
            id=row.id,
            status=status,
            progress=row.progress,
            requested_at_ms=id_timestamp_ms(row.id),
            size=row.size if ready else None,
            url=self._url(row.id) if ready else None,
            expires_at_ms=row.expires_at_ms if ready else None,
            problem=(row.problem or INTERRUPTED) if failed else None,
        )

    def _url(self, export_id: ExportId) -> str:
        return f"{self._base_url}/exports/{export_id}?signature={self._sign(export_id).decode()}"

    def _sign(self, export_id: ExportId) -> bytes:
        """Return the signature of a link, the same at each call."""
        digest = hmac.digest(self._secret, f"export {export_id}".encode(), hashlib.sha256)
        return urlsafe_b64encode(digest).rstrip(b"=")


def archive_key(folder: str) -> str:
    """Return the key of the archive in the media store."""
    return f"{folder}/{ARCHIVE}"


def _status(row: ExportRow) -> ExportStatus:
    """Return the status now: maintenance writes the end of an export later."""
    if row.status in UNFINISHED and row.now_ms - row.updated_at_ms > INTERRUPTED_MS:
        return ExportStatus.FAILED
    if row.status is ExportStatus.READY and (row.expires_at_ms or 0) <= row.now_ms:
        return ExportStatus.EXPIRED
    return row.status


def _missing() -> NotFound:
    return NotFound("There is no such archive: it expired, or the link is incomplete.")
