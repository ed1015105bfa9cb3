"""Writing of received files to disk, with a limit of their size."""

import asyncio
import errno
import hashlib
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from server.errors import StorageFull, TooLarge

CHUNK_BYTES = 65_536


NAME_LENGTH = 60
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """A received file, and its name in errors: the number in the field, and the client's name if any."""

    path: Path
    field: str
    number: int = 1
    name: str = ""


def clean_file_name(name: str | None) -> str:
    """Return a client's file name as it may be repeated in an error: no folders, one line, no quotes, not long."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name or ""))[-1]
    shown = "".join(char for char in last if char.isprintable() and char not in "\"'<>")
    return shown if len(shown) <= NAME_LENGTH else f"{shown[: NAME_LENGTH - 1]}…"


def megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.3g} MB" if size >= MEGABYTE else f"{size / 1000:.3g} KB"


async def spool(read_chunk: Callable[[], Awaitable[bytes]], spooled: SpooledFile, max_bytes: int) -> bytes:
    """Write chunks to a file until an empty one, and return the hash of the content.

    Raises TooLarge above `max_bytes`, and what `read_chunk` raises.
    """
    size, digest = 0, hashlib.sha256()
    with spooled.path.open("wb") as file:
        while chunk := await read_chunk():
            size += len(chunk)
            if size > max_bytes:
                called = f"File {spooled.number}" + (f' ("{spooled.name}")' if spooled.name else "")
                text = f"{called} is larger than {megabytes(max_bytes)}. Send a smaller one."
                raise TooLarge(text, fields={spooled.field: [text]})
            await asyncio.to_thread(_write, file, digest, chunk)
    return digest.digest()


@contextmanager
def full_disk_reported() -> Iterator[None]:
    """Translate the error of a full disk. Raises StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("There is no space left for uploads. Try again later.") from error
        raise


def _write(file: BinaryIO, digest: Any, chunk: bytes) -> None:
    file.write(chunk)
    digest.update(chunk)
