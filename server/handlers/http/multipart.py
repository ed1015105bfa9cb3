"""Reads multipart uploads: files are streamed to disk and counted, texts are bounded, the rest is refused."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from server.errors import InvalidInput, Malformed, StorageFull, TooLarge, UnsupportedMedia

TEXT_BYTES = 16_384
MAX_PARTS = 40
MAX_LINES = 4 * MAX_PARTS  # outside the parts, where boundaries are, and nothing that anybody wants
ENOSPC = 28


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Bounds of one multipart request; `timeout_s` for all of its body."""

    max_file_bytes: int
    max_files: int
    timeout_s: float


@dataclass(slots=True)
class Form:
    """What a multipart body held: spooled files and texts, by field, in their order."""

    files: dict[str, list[Path]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    @property
    def content(self) -> bytes:
        """A hash of the fields and of what they hold, in their order; boundary and file names are no part of it."""
        return self._digest.digest()

    def saw(self, name: str, digest: bytes) -> None:
        """Note a part and the hash of what it holds."""
        self._digest.update(hashlib.sha256(name.encode()).digest() + digest)

    def text(self, name: str, max_length: int, default: str = "") -> str:
        """The one text of a field. Raises InvalidInput if it is too long or given twice."""
        values = self.texts.get(name, [default])
        if len(values) > 1:
            raise _refused(name, "Given more than once.")
        return _bounded(name, values[0], max_length)

    def file(self, name: str) -> Path:
        """The one file of a field. Raises InvalidInput if it is missing or not the only one."""
        files = self.files.get(name, [])
        if len(files) != 1:
            raise _refused(name, "Exactly one file.")
        return files[0]

    def all_texts(self, name: str, max_length: int) -> list[str]:
        """Every text of a repeated field."""
        return [_bounded(name, value, max_length) for value in self.texts.get(name, [])]


class Uploads:
    """Spools uploads below `work_dir`."""

    def __init__(self, work_dir: Path, limits: UploadLimits) -> None:
        self._work_dir = work_dir
        self._limits = limits

    @asynccontextmanager
    async def read(self, request: web.Request, files: set[str], texts: set[str]) -> AsyncIterator[Form]:
        """The body of `request`, which must not be compressed; its files exist until the context ends.

        Raises UnsupportedMedia, Malformed, TooLarge, StorageFull, and InvalidInput for a field that is none of
        `files` and `texts`.
        """
        if request.content_type != "multipart/form-data":
            raise UnsupportedMedia("Send this as multipart/form-data.")
        if any(coding.lower() != "identity" for coding in request.headers.getall("Content-Encoding", ())):
            # Unpacked it is there all at once, so that reading it line by line gives no turn to anybody else.
            raise UnsupportedMedia("Send this without a Content-Encoding: pictures are compressed already.")
        with tempfile.TemporaryDirectory(dir=self._work_dir) as folder:
            try:
                async with asyncio.timeout(self._limits.timeout_s):
                    form = await self._parts(_reader(request), Path(folder), files, texts)
            except TimeoutError as error:
                raise Malformed(
                    f"The upload did not arrive within {self._limits.timeout_s:g} s.", code="body_timeout"
                ) from error
            except (
                ValueError,
                AssertionError,
                RuntimeError,
                HttpProcessingError,
                web.RequestPayloadError,
            ) as error:  # what aiohttp's reader raises on bad input
                raise Malformed(
                    "The multipart body is damaged: check its boundary and the headers of its parts."
                ) from error
            except OSError as error:
                if error.errno == ENOSPC:
                    raise StorageFull("There is no room for uploads at this moment.") from error
                raise
            yield form

    async def _parts(self, reader: MultipartReader, folder: Path, files: set[str], texts: set[str]) -> Form:
        form = Form()
        for _ in range(MAX_PARTS):
            part = await reader.next()
            if part is None:
                return form
            if not isinstance(part, BodyPartReader):
                raise Malformed("A part of the multipart body is itself multipart.")
            name = (part.name or "").encode(errors="replace").decode()  # with a lone surrogate it is no text
            if name in files:
                spooled = form.files.setdefault(name, [])
                if len(spooled) >= self._limits.max_files:
                    raise _refused(name, f"At most {self._limits.max_files} files.")
                path = folder / f"{name}-{len(spooled)}"
                form.saw(name, await self._spool(part, path, name))
                spooled.append(path)
            elif name in texts:
                text = await _text(part, name)
                form.saw(name, hashlib.sha256(text.encode()).digest())
                form.texts.setdefault(name, []).append(text)
            else:
                raise _refused(name or "(no name)", "Not a field of this form.")
        raise Malformed(f"More than {MAX_PARTS} parts.")

    async def _spool(self, part: BodyPartReader, path: Path, name: str) -> bytes:
        """Write a file; the hash of what it holds."""
        limit, size, digest = self._limits.max_file_bytes, 0, hashlib.sha256()
        with path.open("wb") as file:
            while chunk := await part.read_chunk(65_536):
                size += len(chunk)
                if size > limit:
                    raise TooLarge(
                        f"A file in {name} is larger than {limit} bytes.", fields={name: ["Too large."]}
                    )
                await asyncio.to_thread(_write, file, digest, chunk)
        return digest.digest()


class _Reader(MultipartReader):
    """aiohttp's, which reads what comes before the first boundary line by line, however many lines that are."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lines = 0

    async def _readline(self) -> bytes:
        self._lines += 1
        if self._lines > MAX_LINES:
            raise ValueError(f"More than {MAX_LINES} lines outside the parts.")
        return await super()._readline()


def _reader(request: web.Request) -> MultipartReader:
    """As `request.multipart` makes one."""
    return _Reader(
        request.headers,
        request.content,
        client_max_size=request.client_max_size,
        max_field_size=request.protocol.max_field_size,
        max_headers=request.protocol.max_headers,
    )


def _write(file: BinaryIO, digest: Any, chunk: bytes) -> None:
    file.write(chunk)
    digest.update(chunk)


async def _text(part: BodyPartReader, name: str) -> str:
    value = bytearray()
    while chunk := await part.read_chunk(8192):
        value += chunk
        if len(value) > TEXT_BYTES:
            raise TooLarge(f"The field {name} is larger than {TEXT_BYTES} bytes.")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _refused(name, "Not UTF-8.") from error


def _bounded(name: str, value: str, max_length: int) -> str:
    if len(value) > max_length:
        raise _refused(name, f"Longer than {max_length} characters.")
    if "\x00" in value:
        raise _refused(name, "Contains a character that is not text.")
    return value.strip()


def _refused(name: str, message: str) -> InvalidInput:
    return InvalidInput("Some values cannot be accepted.", fields={name: [message]})
