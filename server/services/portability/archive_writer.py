"""ZIP archives written piece by piece: texts are compressed, pictures are stored as they are.

Memory stays bounded by one chunk. Blocking calls run in threads, one at a time.
"""

import asyncio
import zipfile
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

import orjson

READABLE_BY_OWNER = 0o600 << 16


class ArchiveWriter:
    """Writes one archive; all its entries get the same date. Use `create`."""

    def __init__(self, archive: zipfile.ZipFile, created_at: datetime) -> None:
        self._archive = archive
        self._date = created_at.timetuple()[:6]
        self.entries = 0

    @classmethod
    @asynccontextmanager
    async def create(cls, path: Path, created_at: datetime) -> AsyncIterator[Self]:
        """Write an archive to `path`. It is complete at the end of the context, and not before."""
        archive = await asyncio.to_thread(zipfile.ZipFile, path, "w", strict_timestamps=True)
        try:
            yield cls(archive, created_at)
        except BaseException:
            with suppress(OSError, ValueError):  # the file is deleted by the caller
                archive.close()
            raise
        await asyncio.to_thread(archive.close)

    async def add_text(self, name: str, text: str) -> None:
        await asyncio.to_thread(self._archive.writestr, self._entry(name, zipfile.ZIP_DEFLATED), text)

    async def add_json(self, name: str, value: Any) -> None:
        """Write one JSON value, indented."""
        await self.add_text(name, orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")

    async def add_list(self, name: str, pages: AsyncIterable[Sequence[Any]]) -> int:
        """Write a JSON array with one element per line, and return its length."""
        count = 0
        async with self._open(name, zipfile.ZIP_DEFLATED) as file:
            await asyncio.to_thread(file.write, b"[")
            async for page in pages:
                lines = [orjson.dumps(value) for value in page]
                if not lines:
                    continue
                text = (b",\n" if count else b"\n") + b",\n".join(lines)
                await asyncio.to_thread(file.write, text)
                count += len(lines)
            await asyncio.to_thread(file.write, b"\n]\n" if count else b"]\n")
        return count

    async def add_file(self, name: str, chunks: AsyncIterable[bytes]) -> None:
        """Write a file as it is, without compression."""
        async with self._open(name, zipfile.ZIP_STORED) as file:
            async for chunk in chunks:
                await asyncio.to_thread(file.write, chunk)

    @asynccontextmanager
    async def _open(self, name: str, compression: int) -> AsyncIterator[IO[bytes]]:
        file = self._archive.open(self._entry(name, compression), "w", force_zip64=True)
        try:
            yield file
        finally:
            await asyncio.to_thread(file.close)

    def _entry(self, name: str, compression: int) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(name, self._date)
        entry.compress_type = compression
        entry.external_attr = READABLE_BY_OWNER
        self.entries += 1
        return entry
