"""Copies of all pictures from one store to another, compared by checksum."""

import asyncio
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.errors import ConfigurationError, NotFound, Unavailable
from server.gateways.media import MediaStore
from server.services.backups.manifest import OnProgress

SERVED = (".jpg", ".avif")
RIGHTS_CHECK = "rights-check"


async def read_id(media: MediaStore) -> str | None:
    """Return the id of the store, or None if it has none. Raises ConfigurationError if it cannot be read."""
    with explained(media, "read"):
        return await media.read_id()


async def check_rights(media: MediaStore) -> None:
    """Write, read and delete an object. Raises ConfigurationError if one of them is not possible."""
    key = f"{RIGHTS_CHECK}/{secrets.token_hex(8)}"
    with explained(media, "written"):
        await media.put_private(key, b"This object may be deleted.")
    with explained(media, "read and listed"):
        await _digest(media, key)
        [entry async for entry in media.list(RIGHTS_CHECK)]
    with explained(media, "deleted from"):
        await media.delete([key])


@contextmanager
def explained(media: MediaStore, right: str) -> Iterator[None]:
    """Say in a ConfigurationError that the store cannot be `right`, such as "read", where it is Unavailable."""
    try:
        yield
    except Unavailable as error:
        raise ConfigurationError(
            f"The media store at {media.location} cannot be {right}: check its address, credentials and permissions."
        ) from error


async def copy_pictures(source: MediaStore, target: MediaStore, draft: Path, on_progress: OnProgress) -> int:
    """Copy what is missing in `target`, then compare every picture, and give `target` the id of `source`.

    `draft` is a file that does not exist, for one picture at a time. Return the number of pictures. Raises
    ConfigurationError if a picture differs, and Unavailable.
    """
    store_id, found = await read_id(source), await read_id(target)
    if store_id is None:
        raise ConfigurationError(f"The media store at {source.location} has no id: start the server once.")
    if found not in (None, store_id):
        raise ConfigurationError(
            f"{target.location} belongs to another installation ({found}): name an empty bucket."
        )
    await check_rights(target)
    keys = {entry.key: entry.size async for entry in source.list()}
    present = {entry.key: entry.size async for entry in target.list()}
    for done, (key, size) in enumerate(keys.items()):
        on_progress("pictures", done, len(keys))
        if present.get(key) != size:
            await source.save(key, draft)
            await put_copy(target, key, draft)
            await asyncio.to_thread(draft.unlink)
    different = 0
    for done, key in enumerate(keys):
        on_progress("comparing", done, len(keys))
        if await _digest(source, key) != await _digest(target, key):
            different += 1
            await target.delete([key])
    if different:
        raise ConfigurationError(
            f"{different} picture(s) differed in {target.location} and were deleted there: run it again."
        )
    await target.create_id(store_id)
    return len(keys)


async def put_copy(target: MediaStore, key: str, path: Path) -> None:
    """Store a file of another store. What is not served may be large."""
    if key.endswith(SERVED):
        await target.put(key, path)
    else:
        async for _ in target.put_large(key, path):
            pass


async def _digest(media: MediaStore, key: str) -> bytes | None:
    """Return the SHA-256 of an object, or None if it does not exist."""
    digest = hashlib.sha256()
    try:
        found = await media.get(key)
        async for chunk in found.chunks:
            digest.update(chunk)
    except NotFound:
        return None
    return digest.digest()
