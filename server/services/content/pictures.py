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
from server.services.content.sources import ANIMATED

log = structlog.get_logger(__name__)

FOLDERS = MappingProxyType({Shape.PHOTO: "posts", Shape.AVATAR: "avatars"})
UPLOADS_FOLDER = "uploads"


@dataclass(frozen=True, slots=True)
class Upload:
    """A client's file, saved at `path` and not yet checked; `name` is the client's."""

    path: Path
    alt_text: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture whose renditions are in the folder `media_key` of the media store."""

    media_key: str
    image: ProcessedImage

    def as_media(self) -> MediaPicture:
        """Return what rows of `media` and `post_images` store of it."""
        image = self.image
        names = tuple(rendition.name for rendition in image.renditions)
        variants = (*names, ANIMATED) if image.animated else names
        return MediaPicture(self.media_key, image.width, image.height, image.blurhash, variants)

    @property
    def keys(self) -> list[str]:
        return [f"{self.media_key}/{rendition.name}.jpg" for rendition in self.image.renditions]


class Pictures:
    def __init__(self, images: ImageProcessor, media: MediaStore) -> None:
        self._images = images
        self._media = media

    async def store(self, upload: Path, owner_id: UserId, shape: Shape) -> StoredPicture:
        """Create and store the renditions of an unchecked file of a user.

        The random key cannot be guessed and contains nothing from the client. Raises what `ImageProcessor.process` and
        `MediaStore.put` raise; the sweep finds what is left then.
        """
        image = await self._images.process(upload, shape, owner_id)
        media_key = f"{FOLDERS[shape]}/{secrets.token_hex(16)}"
        if shape is Shape.AVATAR and image.width < max(AVATAR_SIDES):
            media_key += f"-{image.width}"
        puts = [self._media.put(f"{media_key}/{each.name}.jpg", each.content) for each in image.renditions]
        for result in await asyncio.gather(*puts, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        return StoredPicture(media_key, image)

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
