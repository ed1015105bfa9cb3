"""Pictures: uploads become renditions in the media store, under random keys.

The row that holds a key owns the picture. `maintenance` sweeps pictures without a row.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import structlog

from server.errors import AppError, Unavailable
from server.gateways.images.processor import AVATAR_SIDES, ImageProcessor, ProcessedImage, Shape
from server.gateways.media import MediaStore
from server.ids import UserId
from server.models.content.media import MediaPicture
from server.services.content.refused_pictures import RefusedPictures
from server.services.content.sources import ANIMATED

log = structlog.get_logger(__name__)

FOLDERS = MappingProxyType({Shape.PHOTO: "posts", Shape.AVATAR: "avatars"})
UPLOADS_FOLDER = "uploads"
EXPORTS_FOLDER = "exports"
# Beside the renditions, so that both are deleted together. A random part follows: in a public bucket, the address of a
# rendition must not reveal the one of the original.
ORIGINAL_PREFIX = "original-"
# An original that is deleted when AVIF renditions were made from it.
TEMPORARY_PREFIX = f"{ORIGINAL_PREFIX}temporary-"


def media_kind(key: str) -> str:
    """Return the kind of a stored file, for the figures of the media store."""
    folder, name = key.partition("/")[0], key.rpartition("/")[2]
    if folder != "posts":
        return {"avatars": "avatar", "uploads": "upload", "exports": "export"}.get(folder, folder)
    if is_original(key):
        return "original"
    return "avif" if name.endswith(".avif") else "gif" if name.endswith(".gif") else "jpeg"


def is_original(key: str) -> bool:
    """Return whether a stored file is an uploaded one, temporary or not."""
    return key.rpartition("/")[2].startswith(ORIGINAL_PREFIX)


def is_temporary(key: str) -> bool:
    """Return whether a stored file is an original that is kept only until AVIF renditions are made."""
    return key.rpartition("/")[2].startswith(TEMPORARY_PREFIX)


def is_private(key: str) -> bool:
    """Return whether a stored file must not be served: it may say where a photograph was taken."""
    private = (f"{UPLOADS_FOLDER}/", f"{EXPORTS_FOLDER}/")
    return key.startswith(private) or is_original(key)


def is_public_folder(key: str) -> bool:
    """Return whether everybody may read a stored file: avatars are shown to strangers, also of private accounts."""
    return key.startswith(f"{FOLDERS[Shape.AVATAR]}/")


@dataclass(frozen=True, slots=True)
class Upload:
    """A client's file, saved at `path` and not yet checked; `name` is the client's."""

    path: Path
    alt_text: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture whose renditions are in the folder `media_key` of the media store.

    `original` is the name of the uploaded file there; None if it is not kept.
    """

    media_key: str
    image: ProcessedImage
    original: str | None = None

    def as_media(self) -> MediaPicture:
        """Return what rows of `media` and `post_images` store of it."""
        image = self.image
        names = tuple(rendition.name for rendition in image.renditions)
        variants = (*names, ANIMATED) if image.animated else names
        return MediaPicture(self.media_key, image.width, image.height, image.blurhash, variants, image.hash)

    @property
    def keys(self) -> list[str]:
        names = [f"{rendition.name}.jpg" for rendition in self.image.renditions]
        return [f"{self.media_key}/{name}" for name in (*names, *filter(None, [self.original]))]


class Pictures:
    """Creates, stores and deletes pictures.

    With `keep_originals`, uploaded files are kept beside their renditions. With `encodes_avif` and without
    `keep_originals`, those of photographs are kept until a job has made AVIF renditions from them.
    """

    def __init__(
        self,
        images: ImageProcessor,
        media: MediaStore,
        refused: RefusedPictures,
        *,
        keep_originals: bool = False,
        encodes_avif: bool = False,
    ) -> None:
        self.encodes_avif = encodes_avif
        self._images = images
        self._media = media
        self._refused = refused
        self._keep_originals = keep_originals

    async def store(self, upload: Path, owner_id: UserId, shape: Shape) -> StoredPicture:
        """Create and store the renditions of an unchecked file of a user.

        The random key cannot be guessed and contains nothing from the client. Raises InvalidInput for a picture that
        moderators refuse, and what `ImageProcessor.process` and `MediaStore.put` raise; the sweep finds what is left
        then.
        """
        image = await self._images.process(upload, shape, owner_id)
        await self._refused.require_allowed(image.hash)
        media_key = f"{FOLDERS[shape]}/{secrets.token_hex(16)}"
        if shape is Shape.AVATAR and image.width < max(AVATAR_SIDES):
            media_key += f"-{image.width}"
        puts = [self._media.put(f"{media_key}/{each.name}.jpg", each.content) for each in image.renditions]
        original = self._original_name(shape)
        if original is not None:
            puts.append(self._media.put_private(f"{media_key}/{original}", upload))
        for result in await asyncio.gather(*puts, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        return StoredPicture(media_key, image, original)

    async def require_allowed(self, picture: MediaPicture) -> None:
        """Raise InvalidInput for a stored picture that moderators have refused since then."""
        await self._refused.require_allowed(picture.picture_hash)

    async def store_all(self, uploads: Sequence[Upload], owner_id: UserId) -> list[StoredPicture]:
        """Store photographs one after another, all or none.

        Raises what `store` raises, with the number of the picture in `fields`.
        """
        stored: list[StoredPicture] = []
        try:
            for number, upload in enumerate(uploads, start=1):
                stored.append(await self._store_one(upload, owner_id, number))
        except BaseException:
            await self.discard(stored)
            raise
        return stored

    async def _store_one(self, upload: Upload, owner_id: UserId, number: int) -> StoredPicture:
        try:
            return await self.store(upload.path, owner_id, Shape.PHOTO)
        except AppError as error:
            name = f' ("{upload.name}")' if upload.name else ""
            error.detail = f"Image {number}{name}: {error.detail}"
            error.fields.setdefault("images", [error.detail])
            raise

    def _original_name(self, shape: Shape) -> str | None:
        """Return a random name for the uploaded file; None if it is not kept."""
        if self._keep_originals:
            return f"{ORIGINAL_PREFIX}{secrets.token_hex(16)}"
        if self.encodes_avif and shape is Shape.PHOTO:
            return f"{TEMPORARY_PREFIX}{secrets.token_hex(16)}"
        return None

    @asynccontextmanager
    async def discarded_on_failure(self, pictures: Sequence[StoredPicture]) -> AsyncIterator[None]:
        """Delete `pictures` if the transaction inside, which inserts their rows, is rolled back.

        After a lost connection or a cancellation the rows may be committed, so the pictures stay; the sweep removes
        them if they have no row.
        """
        try:
            yield
        except AppError as error:
            if not isinstance(error, Unavailable):
                await self.discard(pictures)
            raise

    async def discard(self, pictures: Sequence[StoredPicture]) -> None:
        """Delete pictures that no row will hold, even if the caller is cancelled; errors are logged."""
        await asyncio.shield(self._discard([key for picture in pictures for key in picture.keys]))

    async def remove(self, media_key: str) -> None:
        """Delete everything below a key. Idempotent: in the right store, nothing is left to delete the second time.

        Raises Unavailable, and WrongMediaStore if another store has nothing below the key.
        """
        keys = [entry.key async for entry in self._media.list(media_key)]
        if not keys:
            await self._media.verify_id()
        await self._media.delete(keys)

    async def _discard(self, keys: Sequence[str]) -> None:
        try:
            await self._media.delete(keys)
        except AppError as error:
            log.warning("media_not_discarded", error=error.reason)
