"""Turns an uploaded photograph into renditions that are safe to serve; `media` stores them.

Worker processes decode the picture: a malicious file affects one worker at most, and neither Pillow's memory nor its
CPU time burdens the server's process.
"""

import asyncio
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog

from server.gateways.images.limits import MAX_PIXELS
from server.gateways.images.pool import ImageWorkerPool
from server.gateways.images.refusals import refusal
from server.metrics import Metrics
from server.tracing import child_span

log = structlog.get_logger(__name__)

WIDTHS = (320, 640, 1080, 1440)
THUMBNAIL_SIDE = 400
AVATAR_SIDES = (96, 320)
NAMES = MappingProxyType({96: "small", 320: "small", 640: "medium"})
MIN_WORKERS, MAX_WORKERS = 2, 16
# Work in the background waits for CPU time that no other process needs.
BACKGROUND_TIMEOUT_S = 120.0
BACKGROUND_IDLE_S = 10.0


class Shape(StrEnum):
    """A photograph keeps its proportions and gets a square thumbnail; an avatar is the square in the middle."""

    PHOTO = "photo"
    AVATAR = "avatar"


@dataclass(frozen=True, slots=True)
class Rendition:
    """An encoded picture, `width` by `height` pixels: `large`, `medium`, `small`, `square`, or `w` and its width."""

    name: str
    content: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ProcessedImage:
    """The renditions of one picture, smallest first, then the squares.

    `width` and `height` are those of the largest. Only the first frame of an `animated` picture is used. `hash` is the
    perceptual hash of the whole picture; None if it has too little structure.
    """

    renditions: tuple[Rendition, ...]
    width: int
    height: int
    blurhash: str
    hash: str | None
    format: str
    animated: bool


class ImageProcessor:
    """`workers`: the maximum number of processes; 0 for one per core, and two on a single core.

    With one, a user would wait until a picture of another user is processed. Each of `members` equal programs on this
    machine has its share of the processes, at least one.
    """

    def __init__(
        self,
        *,
        workers: int = 0,
        members: int = 1,
        max_waiting: int = 32,
        max_pixels: Mapping[str, int] = MAX_PIXELS,
        timeout_s: float = 20.0,
        idle_s: float = 60.0,
        memory_bytes: int = 1024**3,
        metrics: Metrics | None = None,
    ) -> None:
        self._max_pixels = dict(max_pixels)
        self._timeout_s = timeout_s
        size = workers or min(MAX_WORKERS, max(MIN_WORKERS, _cores()))
        size = math.ceil(size / members)
        self._pool = ImageWorkerPool(size, max_waiting, timeout_s, idle_s, memory_bytes, metrics=metrics)
        self._background = ImageWorkerPool(
            1,
            max_waiting,
            BACKGROUND_TIMEOUT_S,
            BACKGROUND_IDLE_S,
            memory_bytes,
            background=True,
            metrics=metrics,
        )

    async def process(
        self, source: Path, shape: Shape = Shape.PHOTO, owner: int | None = None
    ) -> ProcessedImage:
        """Return the renditions of the picture at `source`, whatever it is called.

        Users, named by `owner`, take turns when many pictures wait. Widths of a photograph are those of WIDTHS that are
        smaller than the picture; the largest rendition of a panorama is wider. Nothing is enlarged. Cancelling stops
        the work at once.

        Raises UnsupportedMedia for other formats; TooLarge above `max_pixels`, from the header alone; InvalidInput for
        a picture that is empty, damaged or too expensive to decode; Unavailable when too many pictures wait or no
        worker starts.
        """
        photo = shape is Shape.PHOTO
        request = self._request("jpeg", WIDTHS if photo else (), (THUMBNAIL_SIDE,) if photo else AVATAR_SIDES)
        with child_span("process image"):
            answer, contents = await self._pool.run(request, source, owner)
        return _processed(_done(answer), contents)

    async def encode_avif(self, source: Path) -> tuple[Rendition, ...]:
        """Return those renditions of a photograph in proportion that are smaller as AVIF, and not worse.

        Worse is a lower structural similarity to the original. Pictures are encoded one at a time in a process of the
        lowest priority, which uploads do not wait for. Raises what `process` raises.
        """
        answer, contents = await self._background.run(self._request("avif", WIDTHS, ()), source, None)
        return tuple(_renditions(_done(answer), contents))

    async def hash(self, source: Path) -> str | None:
        """Return the perceptual hash of a photograph, in the same process as `encode_avif`. Raises what it raises."""
        answer, _ = await self._background.run(self._request("jpeg", (), (min(AVATAR_SIDES),)), source, None)
        return _done(answer)["hash"]

    def abandon_background(self) -> None:
        """Stop `encode_avif` and `hash` at once: running and later calls raise Unavailable."""
        self._background.abandon()

    async def stop(self) -> None:
        """Finish running pictures, reject waiting ones, then stop the workers; cancelling kills them."""
        await asyncio.gather(self._pool.stop(), self._background.stop())

    def _request(self, form: str, widths: Sequence[int], squares: Sequence[int]) -> dict[str, Any]:
        return {
            "format": form,
            "widths": widths,
            "squares": squares,
            "max_pixels": self._max_pixels,
            "cpu_s": self._timeout_s,
        }


def _done(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if reason := answer.get("refused"):
        log.info("image_refused", reason=reason, cause=answer["cause"], **answer["details"])
        raise refusal(reason, answer["details"])
    return answer["done"]


def _processed(done: Mapping[str, Any], contents: bytes) -> ProcessedImage:
    largest = done["largest"]
    return ProcessedImage(
        tuple(_renditions(done, contents)),
        largest["width"],
        largest["height"],
        done["blurhash"],
        done["hash"],
        done["format"],
        done["animated"],
    )


def _renditions(done: Mapping[str, Any], contents: bytes) -> Iterator[Rendition]:
    described: Sequence[Mapping[str, Any]] = done["renditions"]
    parts = _parts(contents, [each["bytes"] for each in described])
    for part, each in zip(parts, described, strict=True):
        yield Rendition(_name(each, done["largest"]), part, each["width"], each["height"])


def _name(described: Mapping[str, Any], largest: Mapping[str, Any]) -> str:
    """Return the name of a rendition: clients and stored rows know these names."""
    if described["square"] and not largest["square"]:
        return "square"
    width = described["width"]
    return "large" if width == largest["width"] else NAMES.get(width, f"w{width}")


def _parts(contents: bytes, lengths: Sequence[int]) -> Iterator[bytes]:
    at = 0
    for length in lengths:
        yield contents[at : at + length]
        at += length


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
