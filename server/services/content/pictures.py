"""Pictures: an upload becomes renditions in the media store, under a key of ours; and they go from there again.

Whose a picture is, is known to the row that holds its key. What no row holds is swept by `maintenance`.
"""

import asyncio
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from server.errors import AppError
from server.gateways.images.processor import ImageProcessor, ProcessedImage, Shape
from server.gateways.media import MediaStore

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture whose renditions are in the media store, in the folder `media_key`."""

    media_key: str
    image: ProcessedImage

    @property
    def keys(self) -> list[str]:
        return [f"{self.media_key}/{rendition.name}.jpg" for rendition in self.image.renditions]


class Pictures:
    """`work_dir` is where renditions are made, before they are stored."""

    def __init__(self, images: ImageProcessor, media: MediaStore, work_dir: Path) -> None:
        self._images = images
        self._media = media
        self._work_dir = work_dir

    async def store(self, upload: Path, folder: str, shape: Shape) -> StoredPicture:
        """Make and store the renditions of a file that nobody has looked into yet, below `folder`.

        The key is random: it cannot be guessed, and nothing of the client's is in it. Raises what
        `ImageProcessor.process` and `MediaStore.put` raise; then nothing is left that the sweep would not find.
        """
        media_key = f"{folder}/{secrets.token_hex(16)}"
        with tempfile.TemporaryDirectory(dir=self._work_dir) as made:
            image = await self._images.process(upload, Path(made), shape)
            for rendition in image.renditions:
                await self._media.put(f"{media_key}/{rendition.name}.jpg", rendition.path)
        return StoredPicture(media_key, image)

    async def discard(self, pictures: Sequence[StoredPicture]) -> None:
        """Take back pictures that will never belong to a row, also when the caller is cancelled; as well as it goes."""
        await asyncio.shield(self._discard([key for picture in pictures for key in picture.keys]))

    async def remove(self, media_key: str) -> None:
        """Delete whatever is stored under a key; again is nothing. Raises Unavailable."""
        await self._media.delete([entry.key async for entry in self._media.list(media_key)])

    async def _discard(self, keys: Sequence[str]) -> None:
        try:
            await self._media.delete(keys)
        except AppError as error:
            log.warning("media_left_behind", error=str(error))
