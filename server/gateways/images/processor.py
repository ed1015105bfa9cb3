"""Turns an uploaded photograph into renditions that are safe to serve; `media` stores them.

Worker processes decode the picture: a malicious file affects one worker at most, and neither Pillow's memory nor its
CPU time burdens the server's process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog

from server.gateways.images.pool import ImageWorkerPool
from server.gateways.images.refusals import refusal

log = structlog.get_logger(__name__)

PHOTO_SIZES = MappingProxyType({"small": 320, "medium": 640, "large": 1440})
AVATAR_SIZES = MappingProxyType({"small": 96, "large": 320})


class Shape(StrEnum):
    """A photograph keeps its proportions; an avatar is the square in the middle."""

    PHOTO = "photo"
    AVATAR = "avatar"


@dataclass(frozen=True, slots=True)
class Rendition:
    """A JPEG at `path`, `width` by `height` pixels."""

    name: str
    path: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ProcessedImage:
    """The renditions of one picture, smallest first; `width` and `height` are those of the largest."""

    renditions: tuple[Rendition, ...]
    width: int
    height: int
    blurhash: str


class ImageProcessor:
    def __init__(
        self,
        *,
        workers: int = 1,
        max_waiting: int = 32,
        max_pixels: int = 25_000_000,
        timeout_s: float = 20.0,
        idle_s: float = 60.0,
        memory_bytes: int = 1024**3,
        photo_sizes: Mapping[str, int] = PHOTO_SIZES,
        avatar_sizes: Mapping[str, int] = AVATAR_SIZES,
    ) -> None:
        self._max_pixels = max_pixels
        self._timeout_s = timeout_s
        self._sizes = {Shape.PHOTO: dict(photo_sizes), Shape.AVATAR: dict(avatar_sizes)}
        self._pool = ImageWorkerPool(workers, max_waiting, timeout_s, idle_s, memory_bytes)

    async def process(self, source: Path, destination: Path, shape: Shape = Shape.PHOTO) -> ProcessedImage:
        """Write the renditions of the picture at `source` into the folder `destination`, as `<name>.jpg`.

        Creates the folder if it is missing; the caller removes it, also after an error. A size bounds the longer side,
        nothing is enlarged, and only the first frame of an animation is used. Cancelling stops the work at once.

        Raises UnsupportedMedia unless the content is JPEG, PNG or WebP; TooLarge above `max_pixels`, from the header
        alone; InvalidInput for a picture that is empty, damaged or too expensive to decode; StorageFull; Unavailable
        when too many pictures wait or no worker starts.
        """
        request = {
            "source": str(source),
            "destination": str(destination),
            "sizes": self._sizes[shape],
            "square": shape is Shape.AVATAR,
            "max_pixels": self._max_pixels,
            "cpu_s": self._timeout_s,
        }
        answer = await self._pool.run(request)
        if reason := answer.get("refused"):
            log.info("image_refused", reason=reason, cause=answer["cause"])
            raise refusal(reason, self._max_pixels)
        return _processed(answer["done"], destination)

    async def stop(self) -> None:
        """Finish running pictures, reject waiting ones, then stop the workers; cancelling kills them."""
        await self._pool.stop()


def _processed(done: Mapping[str, Any], destination: Path) -> ProcessedImage:
    renditions = tuple(
        Rendition(
            written["name"], destination / f"{written['name']}.jpg", written["width"], written["height"]
        )
        for written in done["renditions"]
    )
    largest = renditions[-1]
    return ProcessedImage(renditions, largest.width, largest.height, done["blurhash"])
