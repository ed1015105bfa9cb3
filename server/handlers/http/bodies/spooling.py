"""Writing of received files to disk, with a limit of their size."""

import asyncio
import errno
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from server.errors import StorageFull, TooLarge

CHUNK_BYTES = 65_536


async def spool(read_chunk: Callable[[], Awaitable[bytes]], path: Path, max_bytes: int, field: str) -> bytes:
    """Write chunks to a file until an empty one, and return the hash of the content.

    `field` names the file in errors. Raises TooLarge above `max_bytes`, and what `read_chunk` raises.
    """
    size, digest = 0, hashlib.sha256()
    with path.open("wb") as file:
        while chunk := await read_chunk():
            size += len(chunk)
            if size > max_bytes:
                raise TooLarge(
                    f"A file in {field} is larger than {max_bytes} bytes.", fields={field: ["Too large."]}
                )
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
