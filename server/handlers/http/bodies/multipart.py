"""Multipart uploads: files are spooled to disk, texts are bounded, and anything else is rejected."""

import difflib
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy

from server.errors import InvalidInput, Malformed, TooLarge, UnsupportedMedia
from server.handlers.http.bodies.part_headers import (
    CHARSET_DISPOSITION,
    CHARSET_FIELD,
    decode_text,
    field_name,
)
from server.handlers.http.bodies.spooling import (
    CHUNK_BYTES,
    SpooledFile,
    clean_file_name,
    full_disk_reported,
    megabytes,
    spool,
)
from server.handlers.http.bodies.time_limits import BodyTimer, TimeLimits
from server.handlers.http.operations import JSON, MULTIPART, RouteOptions, options_of
from server.user_text import FORBIDDEN, clean_lines

OCTETS = "application/octet-stream"
TEXT_BYTES = 16_384
MAX_PARTS = 40
MAX_PART_OVERHEAD = 32_768  # the headers of a part, or a text
MAX_LINES_OUTSIDE_PARTS = 4 * MAX_PARTS


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits per multipart request; `max_files_bytes` is for all files together."""

    max_file_bytes: int
    max_files: int
    max_files_bytes: int
    time: TimeLimits

    @property
    def max_body_bytes(self) -> int:
        """The size above which a body must exceed one of the other limits."""
        files = min(self.max_files * self.max_file_bytes, self.max_files_bytes)
        return files + MAX_PARTS * MAX_PART_OVERHEAD


@dataclass(slots=True)
class Form:
    """The spooled files and the texts of a multipart body, by field, in the order of the body."""

    files: dict[str, list[Path]] = field(default_factory=dict)
    file_names: dict[Path, str] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    _digest: Any = field(default_factory=hashlib.sha256, repr=False)

    @property
    def content_hash(self) -> bytes:
        """The hash of fields and contents in their order, without boundary and file names."""
        return self._digest.digest()

    def add_part_hash(self, name: str, digest: bytes) -> None:
        """Include a part in `content_hash`; `digest` is the hash of its content."""
        self._digest.update(hashlib.sha256(name.encode()).digest() + digest)

    def text(self, name: str, max_length: int, default: str = "") -> str:
        """Return the text of a field. Raises InvalidInput if it is too long or repeated."""
        values = self.texts.get(name, [default])
        if len(values) > 1:
            raise _invalid_field(name, "Must occur only once.")
        return _bounded(name, values[0], max_length)

    def file(self, name: str) -> Path:
        """Return the file of a field. Raises InvalidInput if it is missing or repeated."""
        files = self.files.get(name, [])
        if len(files) != 1:
            raise _invalid_field(name, "Must be exactly one file.")
        return files[0]

    def all_texts(self, name: str, max_length: int) -> list[str]:
        """Return every text of a repeated field."""
        return [_bounded(name, value, max_length) for value in self.texts.get(name, [])]


class FormReader:
    """Reads multipart forms, and spools their files below `work_dir`."""

    def __init__(self, work_dir: Path, limits: UploadLimits) -> None:
        self.work_dir = work_dir
        self.limits = limits

    def check_head(self, request: web.Request, options: RouteOptions) -> None:
        """Raise UnsupportedMedia or TooLarge if the head of `request` shows that its body cannot be read."""
        max_bytes = self.limits.max_body_bytes
        if options.file and _is_file(request):
            max_bytes = self.limits.max_file_bytes
        elif request.content_type != MULTIPART:
            others = (
                f" or {JSON}" if options.body else f", an image type, or {OCTETS}" if options.file else ""
            )
            raise UnsupportedMedia(f"The Content-Type of the body must be {MULTIPART}{others}.")
        if any(coding.lower() != "identity" for coding in request.headers.getall("Content-Encoding", ())):
            # A decompressed body is buffered in one piece, and parsing that line by line would block the event loop.
            raise UnsupportedMedia("A Content-Encoding is not supported: images are compressed already.")
        if (request.content_length or 0) > max_bytes:
            raise TooLarge(
                f"The body is larger than {megabytes(max_bytes)}. Send fewer or smaller files.",
            )

    @asynccontextmanager
    async def read(self, request: web.Request, files: set[str], texts: set[str]) -> AsyncIterator[Form]:
        """Yield the form of `request`; its files exist until the context ends.

        `files` and `texts` name the fields. Raises UnsupportedMedia, Malformed, RequestTimeout, TooLarge, StorageFull,
        and InvalidInput for any other field.
        """
        self.check_head(request, options_of(request.match_info.handler))
        with tempfile.TemporaryDirectory(dir=self.work_dir) as folder:
            try:
                with full_disk_reported():
                    form = await self._read_parts(request, Path(folder), files, texts)
            except (
                ValueError,
                AssertionError,
                RuntimeError,
                HttpProcessingError,
                web.RequestPayloadError,
            ) as error:  # what aiohttp's reader raises on bad input
                raise Malformed(
                    "The multipart body is invalid: check its boundary and the headers of its parts."
                ) from error
            yield form

    async def _read_parts(self, request: web.Request, folder: Path, files: set[str], texts: set[str]) -> Form:
        form, reader = Form(), _multipart_reader(request)
        timer, charset = BodyTimer(request.content, self.limits.time), "utf-8"
        left = self.limits.max_files_bytes
        for _ in range(MAX_PARTS):
            part = await timer.wait(reader.next())
            if part is None:
                return form
            if not isinstance(part, BodyPartReader):
                raise Malformed("Nested multipart bodies are not supported.")
            name = field_name(part.headers.get(hdrs.CONTENT_DISPOSITION, ""))
            if name in files:
                spooled = form.files.setdefault(name, [])
                if len(spooled) >= self.limits.max_files:
                    raise _invalid_field(name, f"Must be at most {self.limits.max_files} files.")
                path = folder / f"{name}-{len(spooled)}"
                file_name = form.file_names[path] = clean_file_name(part.filename)
                file = SpooledFile(path, name, len(spooled) + 1, file_name)
                form.add_part_hash(name, await self._spool(part, file, timer, left))
                spooled.append(path)
                left -= path.stat().st_size
            elif name in texts:
                text = await _read_text(part, name, timer, charset)
                form.add_part_hash(name, hashlib.sha256(text.encode()).digest())
                form.texts.setdefault(name, []).append(text)
            elif name == CHARSET_FIELD:
                charset = (await _read_text(part, name, timer, charset)).strip()
            else:
                raise _unknown_field(name, files | texts)
        raise Malformed(f"The body has more than {MAX_PARTS} parts.")

    async def _spool(self, part: BodyPartReader, file: SpooledFile, timer: BodyTimer, left: int) -> bytes:
        """Write the part to a file, and return the hash of its content. `left` bytes are allowed in this request."""
        try:
            return await spool(
                lambda: timer.wait(part.read_chunk(CHUNK_BYTES)), file, min(left, self.limits.max_file_bytes)
            )
        except TooLarge as error:
            if left >= self.limits.max_file_bytes:
                raise
            limit = megabytes(self.limits.max_files_bytes)
            raise TooLarge(
                f"All files together are larger than {limit}. Send fewer or smaller files.",
                fields={file.field: [f"At most {limit} together."]},
            ) from error


class _MultipartReader(MultipartReader):
    """aiohttp's reader with a limit of lines outside the parts.

    aiohttp skips any number of lines before the first boundary, and has no public hook to limit them. Only this private
    method distinguishes them from the lines inside the parts.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lines = 0

    async def fetch_next_part(self) -> MultipartReader | BodyPartReader:
        """Return the next part. Hide the name of `_charset_` from aiohttp, which reads it with too small a buffer."""
        part = await super().fetch_next_part()
        if field_name(part.headers.get(hdrs.CONTENT_DISPOSITION, "")) == CHARSET_FIELD:
            part.headers = CIMultiDictProxy(CIMultiDict({hdrs.CONTENT_DISPOSITION: CHARSET_DISPOSITION}))
        return part

    async def _readline(self) -> bytes:
        self._lines += 1
        if self._lines > MAX_LINES_OUTSIDE_PARTS:
            raise ValueError(f"More than {MAX_LINES_OUTSIDE_PARTS} lines outside the parts.")
        return await super()._readline()


def _is_file(request: web.Request) -> bool:
    """Return whether the type of the body is that of one file."""
    return request.content_type.startswith("image/") or request.content_type == OCTETS


def _multipart_reader(request: web.Request) -> MultipartReader:
    """Return a reader with the same arguments as `request.multipart()`."""
    return _MultipartReader(
        request.headers,
        request.content,
        client_max_size=request.client_max_size,
        max_field_size=request.protocol.max_field_size,
        max_headers=request.protocol.max_headers,
    )


async def _read_text(part: BodyPartReader, name: str, timer: BodyTimer, charset: str) -> str:
    value = bytearray()
    while chunk := await timer.wait(part.read_chunk(8192)):
        value += chunk
        if len(value) > TEXT_BYTES:
            raise _invalid_field(name, "Too long.")
    try:
        return decode_text(value, part.get_charset(charset))
    except ValueError as error:
        raise _invalid_field(name, str(error)) from error


def _bounded(name: str, value: str, max_length: int) -> str:
    if FORBIDDEN.search(value):
        raise _invalid_field(name, "Contains an invalid character.")
    text = clean_lines(value)
    if len(text) > max_length:
        raise _invalid_field(name, f"Must have at most {max_length} characters.")
    return text


def _unknown_field(name: str, known: set[str]) -> InvalidInput:
    similar = difflib.get_close_matches(name[:50], sorted(known), 1)
    return _invalid_field(
        name or "(no name)", f"Unknown field. Did you mean {similar[0]}?" if similar else "Unknown field."
    )


def _invalid_field(name: str, message: str) -> InvalidInput:
    return InvalidInput("Some values are invalid.", fields={name: [message]})
