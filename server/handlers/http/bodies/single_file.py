"""A body with one file: a multipart form, or the bytes of the file alone."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from server.errors import Malformed
from server.handlers.http.bodies.multipart import FormReader
from server.handlers.http.bodies.spooling import CHUNK_BYTES, SpooledFile, full_disk_reported, spool
from server.handlers.http.bodies.time_limits import BodyTimer
from server.handlers.http.operations import MULTIPART, options_of

FILE = "file"


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A spooled file and the texts sent with it; `content_hash` covers all of them."""

    path: Path
    texts: dict[str, str]
    content_hash: bytes


class SingleFileReader:
    def __init__(self, forms: FormReader) -> None:
        self._forms = forms

    @asynccontextmanager
    async def read(self, request: web.Request, texts: dict[str, int]) -> AsyncIterator[ReceivedFile]:
        """Yield the file of `request`; it exists until the context ends.

        `texts` maps the names of optional texts to their maximum lengths. A form has them as fields, beside the field
        `file`; other bodies have none. Raises what `FormReader.read` raises.
        """
        if request.content_type == MULTIPART:
            async with self._forms.read(request, files={FILE}, texts=set(texts)) as form:
                given = {
                    name: form.text(name, length) for name, length in texts.items() if name in form.texts
                }
                yield ReceivedFile(form.file(FILE), given, form.content_hash)
            return
        self._forms.check_head(request, options_of(request.match_info.handler))
        with tempfile.TemporaryDirectory(dir=self._forms.work_dir) as folder:
            path = Path(folder, FILE)
            yield ReceivedFile(path, {}, await self._spool(request, path))

    async def _spool(self, request: web.Request, path: Path) -> bytes:
        limits = self._forms.limits
        timer = BodyTimer(request.content, limits.time)
        try:
            with full_disk_reported():
                return await spool(
                    lambda: timer.wait(request.content.read(CHUNK_BYTES)),
                    SpooledFile(path, FILE),
                    limits.max_file_bytes,
                )
        except web.RequestPayloadError as error:
            raise Malformed("The body is incomplete.") from error
