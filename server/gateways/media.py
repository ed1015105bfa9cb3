"""Storage of pictures in a folder or a bucket, and their public addresses. Callers choose the keys.

Uses obstore's blocking calls in separate threads. After its asynchronous calls the process may abort with SIGABRT when
the interpreter exits soon afterwards (29 of 100 runs), because Rust threads call back into Python.
"""

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import structlog
from obstore import open_writer
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import GCSStore, LocalStore, S3Store

from server.errors import AppError, ConfigurationError, NotFound, StorageFull, Unavailable

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ClientConfig, RetryConfig

log = structlog.get_logger(__name__)
Result = TypeVar("Result")

JPEG, AVIF = "image/jpeg", "image/avif"
MARKER = ".photofeed-store"  # not a key, so it is neither listed nor served
MAX_ID_LENGTH = 40
CACHE_CONTROL = "public, max-age=31536000, immutable"
# File systems allow 255 bytes per name; an unfinished put needs some of them for its number.
_NAME = r"[a-z0-9_-][a-z0-9_.-]{0,199}"
KEY = re.compile(f"{_NAME}(/{_NAME})*")
MAX_KEY_LENGTH = 512
THREADS = 8
OCTETS = "application/octet-stream"
CHUNK_BYTES = 256 * 1024
PART_BYTES = 8 * 1024 * 1024  # of a large object; S3 takes 10,000 parts of at least 5 MiB
COPIED_BYTES = 1024 * 1024
PART_TIMEOUT_S = 60.0
KEYS_PER_CALL = 1000  # maximum of S3 for deleting and listing
# obstore has no error numbers: these are Rust's names for ENOSPC and EDQUOT, and MinIO's text.
FULL = re.compile(r"StorageFull|QuotaExceeded|os error (28|122)\b")
FILE_IN_THE_WAY = re.compile(r"os error 20\b")  # ENOTDIR: a folder of the key is a file
UNFINISHED = re.compile(r".+#\d+")


@dataclass(frozen=True, slots=True)
class MediaObject:
    """A stored picture: the size of the whole, and the requested bytes, which can be read once."""

    size: int
    content_type: str
    modified_at: datetime
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """The metadata of a stored picture; the time is in whole seconds."""

    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class MediaEntry:
    """A stored picture in a listing."""

    key: str
    size: int
    modified_at: datetime


class WrongMediaStore(AppError):
    """The store is not the one that belongs to the database."""

    code = "wrong_media_store"


class MediaStore:
    """JPEG and AVIF pictures by key. A key is written once, so its content may be cached forever.

    Keys are lower-case paths such as `posts/1/large.jpg`; one that ends with `.avif` is that of an AVIF. Writing or
    deleting an invalid key raises ValueError. Every method raises Unavailable if the store fails or does not answer
    within `timeout_s`. The store's own id is in the object MARKER; `expected_id` is the id that it must have, if that
    is known.
    """

    def __init__(
        self,
        store: LocalStore | S3Store | GCSStore,
        *,
        location: str,
        base_url: str,
        timeout_s: float = 10.0,
        folder: Path | None = None,
    ) -> None:
        self.location = location
        self.expected_id = ""
        self._store = store
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._folder = folder
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="media")

    @classmethod
    def in_folder(cls, folder: Path, *, base_url: str, timeout_s: float = 10.0) -> Self:
        """Create a store of files below `folder`, which is created. Raises ConfigurationError."""
        try:
            store = LocalStore(folder.absolute(), mkdir=True, automatic_cleanup=True)
        except (BaseError, OSError) as error:
            raise ConfigurationError(f"UPLOAD_DEST: {folder} cannot be used: {_brief(error)}") from error
        return cls(
            store,
            location=str(folder),
            base_url=base_url,
            timeout_s=timeout_s,
            folder=folder.absolute(),
        )

    @classmethod
    def in_bucket(cls, url: str, *, base_url: str, timeout_s: float = 10.0) -> Self:
        """Create a store in `s3://bucket/prefix` or `gs://bucket/prefix`. Raises ConfigurationError.

        Region, endpoint and credentials come from the standard environment variables (`AWS_REGION`,
        `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ..., `GOOGLE_APPLICATION_CREDENTIALS`) or from the machine's role.
        """
        timeout = timedelta(seconds=timeout_s)
        # The default endpoints use https; the operator chooses the scheme of another endpoint.
        client: ClientConfig = {
            "allow_http": True,
            "connect_timeout": timeout / 2,
            "read_timeout": timeout,
        }
        retry: RetryConfig = {"max_retries": 2, "retry_timeout": timeout}
        try:
            if url.startswith("s3://"):
                store = S3Store.from_url(url, client_options=client, retry_config=retry)
            elif url.startswith("gs://"):
                store = GCSStore.from_url(url, client_options=client, retry_config=retry)
            else:
                raise ConfigurationError(f"MEDIA_URL: {url} is neither s3:// nor gs://")
        except (BaseError, OSError, ValueError) as error:
            raise ConfigurationError(f"MEDIA_URL: {url} cannot be used: {_brief(error)}") from error
        return cls(store, location=url, base_url=base_url, timeout_s=timeout_s)

    @property
    def in_a_bucket(self) -> bool:
        return self._folder is None

    def url(self, key: str) -> str:
        """Return the public address of `key`, whether or not it exists."""
        return f"{self._base_url}/{_valid(key)}"

    async def read_id(self) -> str | None:
        """Return the id of the store, or None if it has none."""
        try:
            found = await self._call("get", MARKER, partial(self._store.get, MARKER))
            content = await self._call("get", MARKER, found.bytes)
        except NotFound:
            return None
        return bytes(content).decode(errors="replace").strip()[:MAX_ID_LENGTH] or None

    async def create_id(self, store_id: str) -> None:
        """Give the store an id, unless it has one."""
        content = f"{store_id}\n".encode()

        def create() -> None:
            with contextlib.suppress(AlreadyExistsError):
                self._store.put(MARKER, content, mode="create", use_multipart=False)

        await self._call("put", MARKER, create)

    async def verify_id(self) -> None:
        """Raise WrongMediaStore unless the store has the expected id."""
        if self.expected_id and (found := await self.read_id()) != self.expected_id:
            has = f"the id {found}" if found else "no id"
            raise WrongMediaStore(
                f"The media store at {self.location} has {has}, but this database expects {self.expected_id}: nothing"
                " was deleted."
            )

    async def put(self, key: str, source: Path | bytes) -> None:
        """Store a JPEG or an AVIF atomically. Raises StorageFull."""
        await self._put(key, source, content_type_of(key), CACHE_CONTROL)

    async def put_private(self, key: str, source: Path | bytes) -> None:
        """Store bytes of any kind, which must not be served, atomically. Raises StorageFull."""
        await self._put(key, source, OCTETS, "no-store")

    async def put_large(self, key: str, source: Path) -> AsyncIterator[int]:
        """Store a private file of any size in parts; yield after each step how many bytes were read.

        Nothing is stored until the iterator ends. In a bucket, the parts of an interrupted call stay until a lifecycle
        rule deletes them. Raises StorageFull.
        """
        attributes = self._attributes(OCTETS, "no-store")
        opened = partial(
            open_writer,
            self._store,
            _valid(key),
            attributes=attributes,
            buffer_size=PART_BYTES,
            max_concurrency=2,
        )
        writer = await self._call("put", key, opened)
        done = 0
        with source.open("rb") as file:
            while chunk := await asyncio.to_thread(file.read, COPIED_BYTES):
                await self._call("put", key, partial(writer.write, chunk), PART_TIMEOUT_S)
                done += len(chunk)
                yield done
        # Not used as a context manager: that would store the part that was written when a call fails.
        await self._call("put", key, writer.close, PART_TIMEOUT_S)

    async def describe(self, key: str) -> MediaDescription:
        """Return the metadata of the picture at `key`. Raises NotFound, also for an invalid key."""
        if not _is_key(key):
            raise _missing()
        meta = await self._call("head", key, partial(self._store.head, key))
        return MediaDescription(meta["size"], meta["last_modified"].replace(microsecond=0))

    async def get(self, key: str, part: range | None = None) -> MediaObject:
        """Return the picture at `key`, or the bytes at the positions in `part`.

        Raises NotFound, also for an invalid key.
        """
        if not _is_key(key):
            raise _missing()
        options: GetOptions | None = {"range": (part.start, part.stop)} if part else None
        found = await self._call("get", key, partial(self._store.get, key, options=options))
        meta = found.meta
        return MediaObject(
            size=meta["size"],
            content_type=content_type_of(key),
            modified_at=meta["last_modified"],
            chunks=self._chunks(found, key),
        )

    async def save(self, key: str, path: Path) -> None:
        """Write a stored file to `path`. Raises NotFound and Unavailable."""
        found = await self.get(key)
        with path.open("wb") as file:
            async for chunk in found.chunks:
                await asyncio.to_thread(file.write, chunk)

    async def delete(self, keys: Collection[str]) -> None:
        """Delete the pictures at `keys` in any order; missing ones are ignored."""
        todo = sorted({_valid(key) for key in keys})
        for start in range(0, len(todo), KEYS_PER_CALL):
            some = todo[start : start + KEYS_PER_CALL]
            try:
                await self._call("delete", some[0], partial(self._store.delete, some))
            except NotFound:
                # For files, a missing one stops the call before the others are deleted.
                for key in some:
                    with contextlib.suppress(NotFound):
                        await self._call("delete", key, partial(self._store.delete, key))

    async def list(self, prefix: str = "") -> AsyncIterator[MediaEntry]:
        """Yield all pictures below the folder `prefix` in any order; concurrent changes may be missing."""
        pages = self._store.list(_valid(prefix) if prefix else None, chunk_size=KEYS_PER_CALL)
        while page := await self._call("list", prefix, lambda: next(pages, None)):
            for meta in page:
                if _is_key(meta["path"]):  # other files are not ours to list or sweep
                    yield MediaEntry(meta["path"], meta["size"], meta["last_modified"])

    async def remove_unfinished(self, older_than: timedelta = timedelta(hours=1)) -> int:
        """Delete the files of killed puts and return their number.

        In a folder they are named `<key>#<number>`, which listings leave out; a bucket has none.
        """
        if self._folder is None:
            return 0
        modified_before = time.time() - older_than.total_seconds()
        return await asyncio.to_thread(_remove_unfinished, self._folder, modified_before)

    async def close(self) -> None:
        """Wait for running calls and cancel those that wait for a thread."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        except TimeoutError:
            log.warning("media_store_did_not_close")

    async def _put(self, key: str, source: Path | bytes, content_type: str, cache_control: str) -> None:
        attributes = self._attributes(content_type, cache_control)
        # An interrupted multipart upload would leave its parts behind.
        call = partial(self._store.put, key, source, attributes=attributes, use_multipart=False)
        await self._call("put", _valid(key), call)

    def _attributes(self, content_type: str, cache_control: str) -> dict[str, str] | None:
        # File systems do not store attributes, and obstore rejects them.
        return None if self._folder else {"Content-Type": content_type, "Cache-Control": cache_control}

    async def _chunks(self, found: "GetResult", key: str) -> AsyncIterator[bytes]:
        stream = found.stream(min_chunk_size=CHUNK_BYTES)
        while chunk := await self._call("get", key, lambda: next(stream, None)):
            yield bytes(chunk)

    async def _call(
        self, name: str, key: str, call: Callable[[], Result], timeout_s: float | None = None
    ) -> Result:
        """Make a blocking call in a thread with a timeout, and translate its errors."""
        timeout_s = timeout_s or self._timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except TimeoutError as error:
            log.warning("media_store_timed_out", call=name, key=key, timeout_s=timeout_s)
            raise _unavailable() from error
        except (BaseError, OSError) as error:
            missing = isinstance(error, FileNotFoundError) or FILE_IN_THE_WAY.search(str(error))
            if missing and name != "put":
                raise _missing() from error
            log.warning("media_store_failed", call=name, key=key, error=_brief(error))
            if FULL.search(str(error)):
                raise StorageFull("There is no space left to store the image.") from error
            raise _unavailable() from error


def content_type_of(key: str) -> str:
    """Return the media type of the picture at `key`."""
    return AVIF if key.endswith(".avif") else JPEG


def _is_key(text: str) -> bool:
    return len(text) <= MAX_KEY_LENGTH and KEY.fullmatch(text) is not None


def _valid(key: str) -> str:
    if not _is_key(key):
        raise ValueError(f"not a key: {key!r}")
    return key


def _missing() -> NotFound:
    return NotFound("Image not found.")


def _unavailable() -> Unavailable:
    return Unavailable("Images cannot be stored or read at the moment. Try again.", retry_after_s=5.0)


def _brief(error: Exception) -> str:
    """Return the first line; the others are debugging output of obstore."""
    return str(error).partition("\n")[0][:300]


def _remove_unfinished(folder: Path, modified_before: float) -> int:
    removed = 0
    for path in _files(folder):
        with contextlib.suppress(FileNotFoundError):
            if UNFINISHED.fullmatch(path.name) and path.stat().st_mtime < modified_before:
                path.unlink()
                removed += 1
    return removed


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)
