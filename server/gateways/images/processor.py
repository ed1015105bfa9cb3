"""Turns an uploaded photograph into renditions that are safe to serve; keeping them is `media`'s affair.

The decoding happens in child processes (`image_child`, `image_worker`): a hostile picture costs one child at
most, and neither Pillow's memory nor its work is in the server's own process.
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
    """What a picture is for: a photograph keeps its proportions, an avatar is a square out of the middle."""

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
    """A few child processes that decode pictures: started when first needed, ended when idle."""

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
        self._turns = asyncio.Semaphore(workers)
        self._jobs = 0
        self._children: set[ImageChild] = set()
        self._idle: dict[ImageChild, asyncio.TimerHandle] = {}
        self._stopping = False

    async def process(self, source: Path, destination: Path, shape: Shape = Shape.PHOTO) -> ProcessedImage:
        """Write the renditions of the picture at `source` into the folder `destination`, as `<name>.jpg`.

        The folder is made if it is missing; it belongs to the caller, who removes it, also after an error.
        A size bounds the longer side, nothing is enlarged, the first frame stands for an animation. Raises
        UnsupportedMedia for what is no JPEG, PNG or WebP by content; TooLarge above `max_pixels`, from the
        header alone; InvalidInput for a picture that is empty, damaged or too costly to decode; StorageFull;
        Unavailable when too many wait or no child starts. Cancelling ends the work at once.
        """
        if self._stopping or self._jobs >= self._max_jobs:
            raise _busy()
        self._jobs += 1
        try:
            await self._take_turn()
            try:
                return await self._process(source, destination, shape)
            finally:
                self._turns.release()
        finally:
            self._jobs -= 1

    async def stop(self) -> None:
        """Finish the pictures being worked on, refuse those waiting; then end, or if cancelled kill, the children."""
        if self._stopping:
            return
        self._stopping = True
        try:
            for _ in range(self._workers):
                await self._turns.acquire()
            await self._end_children()
        finally:
            for timer in self._idle.values():
                timer.cancel()
            self._idle.clear()
            for child in self._children:
                child.send_kill()

    async def _end_children(self) -> None:
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                for child in self._children:
                    child.dismiss()
                    await child.ended()
        except TimeoutError:
            log.warning("image_child_did_not_end")
            await asyncio.gather(*(child.kill() for child in self._children))

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._turns.acquire()
        except TimeoutError as error:
            raise _busy() from error
        if self._stopping:
            self._turns.release()
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
        """The child's answer. A child that failed is never used again: the next picture gets a new one."""
        reusable = False
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await child.ask(request)
            # What filled the memory may be a leak: that must not fail the next picture too.
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
                self._rest(child)
            else:
                await child.kill()
                self._children.discard(child)

    async def _ready_child(self) -> ImageChild:
        """The child that rested last, or a new one."""
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

    def _rest(self, child: ImageChild) -> None:
        loop = asyncio.get_running_loop()
        self._idle[child] = loop.call_later(self._idle_s, self._retire, child)

    def _retire(self, child: ImageChild) -> None:
        """End a child that has been idle: an idle server holds no memory for pictures."""
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
                return StorageFull("There is no room to keep the picture.")
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
