"""Processing of uploaded pictures into renditions that are safe to serve; `media` stores them.

Child processes (`child`, `worker`) decode the pictures. A malicious picture costs at most one child, and neither
Pillow's memory nor its CPU time burdens the server process.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog

from server.errors import AppError, InvalidInput, StorageFull, TooLarge, Unavailable, UnsupportedMedia
from server.gateways.images.child import ImageChild

log = structlog.get_logger(__name__)

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 2.0
PHOTO_SIZES = MappingProxyType({"small": 320, "medium": 640, "large": 1440})
AVATAR_SIZES = MappingProxyType({"small": 96, "large": 320})


class Shape(StrEnum):
    """The shape of renditions: a photo keeps its proportions, an avatar is a centred square."""

    PHOTO = "photo"
    AVATAR = "avatar"


@dataclass(frozen=True, slots=True)
class Rendition:
    """A JPEG file; sizes in pixels."""

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
    """A pool of child processes that decode pictures, started on demand and stopped when idle."""

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
        self._workers = workers
        self._max_jobs = workers + max_waiting
        self._max_pixels = max_pixels
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._memory_bytes = memory_bytes
        self._sizes = {Shape.PHOTO: dict(photo_sizes), Shape.AVATAR: dict(avatar_sizes)}
        self._slots = asyncio.Semaphore(workers)
        self._jobs = 0
        self._children: set[ImageChild] = set()
        self._idle: dict[ImageChild, asyncio.TimerHandle] = {}
        self._stopping = False

    async def process(self, source: Path, destination: Path, shape: Shape = Shape.PHOTO) -> ProcessedImage:
        """Write the renditions of the picture at `source` into the folder `destination`, as `<name>.jpg`.

        The folder is created if it is missing; the caller deletes it, also after an error. A size limits the longer
        side. Pictures are not enlarged, and only the first frame of an animation is used. Cancelling stops the work.

        Raises UnsupportedMedia unless the content is JPEG, PNG or WebP; TooLarge above `max_pixels`, read from the
        header; InvalidInput for a picture that is empty, damaged or too expensive to decode; StorageFull; Unavailable
        if too many calls wait or no child starts.
        """
        if self._stopping or self._jobs >= self._max_jobs:
            raise _busy()
        self._jobs += 1
        try:
            await self._acquire_worker()
            try:
                return await self._process(source, destination, shape)
            finally:
                self._slots.release()
        finally:
            self._jobs -= 1

    async def stop(self) -> None:
        """Finish running calls, refuse waiting ones, then stop the children; kill them if cancelled."""
        if self._stopping:
            return
        self._stopping = True
        try:
            for _ in range(self._workers):
                await self._slots.acquire()
            await self._stop_children()
        finally:
            for timer in self._idle.values():
                timer.cancel()
            self._idle.clear()
            for child in self._children:
                child.send_kill()

    async def _stop_children(self) -> None:
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                for child in self._children:
                    child.dismiss()
                    await child.ended()
        except TimeoutError:
            log.warning("image_child_did_not_end")
            await asyncio.gather(*(child.kill() for child in self._children))

    async def _acquire_worker(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._slots.acquire()
        except TimeoutError as error:
            raise _busy() from error
        if self._stopping:
            self._slots.release()
            raise _busy()

    async def _process(self, source: Path, destination: Path, shape: Shape) -> ProcessedImage:
        request = {
            "source": str(source),
            "destination": str(destination),
            "sizes": self._sizes[shape],
            "square": shape is Shape.AVATAR,
            "max_pixels": self._max_pixels,
            "cpu_s": self._timeout_s,
        }
        answer = await self._ask(await self._ready_child(), request)
        if reason := answer.get("refused"):
            log.info("image_refused", reason=reason, cause=answer["cause"])
            raise self._refusal(reason)
        return _processed(answer["done"], destination)

    async def _ask(self, child: ImageChild, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the child's answer. A child that failed is killed and not used again."""
        reusable = False
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await child.ask(request)
            # The memory may be full because of a leak, which must not fail the next picture as well.
            reusable = answer.get("refused") != "memory"
            return answer
        except TimeoutError as error:
            log.warning("image_timed_out", timeout_s=self._timeout_s)
            raise _unprocessable() from error
        except (OSError, EOFError, ValueError) as error:
            log.warning("image_child_died", error=repr(error), exit_code=await child.kill())
            raise _unprocessable() from error
        finally:
            if reusable:
                self._return_to_pool(child)
            else:
                await child.kill()
                self._children.discard(child)

    async def _ready_child(self) -> ImageChild:
        """Return the most recently used idle child, or a new one."""
        while self._idle:
            child, timer = self._idle.popitem()
            timer.cancel()
            if child.alive:
                return child
        self._children = {child for child in self._children if child.alive}
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                child = await ImageChild.start(self._memory_bytes)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            log.error("image_child_did_not_start", error=repr(error))
            raise _failing() from error
        log.info("image_child_started", pid=child.pid)
        self._children.add(child)
        return child

    def _return_to_pool(self, child: ImageChild) -> None:
        loop = asyncio.get_running_loop()
        self._idle[child] = loop.call_later(self._idle_s, self._retire, child)

    def _retire(self, child: ImageChild) -> None:
        """Stop an idle child, so that an idle server uses no memory for pictures."""
        del self._idle[child]
        child.dismiss()
        log.info("image_child_retired", pid=child.pid)

    def _refusal(self, reason: str) -> AppError:
        match reason:
            case "unsupported":
                return UnsupportedMedia("Only JPEG, PNG and WebP pictures can be uploaded.")
            case "too_many_pixels":
                megapixels = f"{self._max_pixels / 1_000_000:g}"
                return TooLarge(f"The picture has more than {megapixels} megapixels.", code="image_too_large")
            case "empty":
                return InvalidInput("The file is empty.", code="image_empty")
            case "damaged":
                return InvalidInput("The picture is damaged or incomplete.", code="image_damaged")
            case "storage_full":
                return StorageFull("There is no space left to store the picture.")
            case "storage":
                return _failing()
            case _:
                return _unprocessable()


def _processed(done: Mapping[str, Any], destination: Path) -> ProcessedImage:
    renditions = tuple(
        Rendition(made["name"], destination / f"{made['name']}.jpg", made["width"], made["height"])
        for made in done["renditions"]
    )
    largest = renditions[-1]
    return ProcessedImage(renditions, largest.width, largest.height, done["blurhash"])


def _busy() -> Unavailable:
    return Unavailable("Too many pictures are being processed; try again.", retry_after_s=2.0)


def _failing() -> Unavailable:
    return Unavailable("Pictures cannot be processed now; try again.", retry_after_s=5.0)


def _unprocessable() -> InvalidInput:
    return InvalidInput("The picture cannot be processed.", code="image_unprocessable")
