"""The pictures of a crowd: a few dozen real ones, painted and stored once, shown by many posts.

A picture that several rows name goes with the last of them: whoever takes a post apart asks for the others first, as
the sweep of the media store does.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from seeds.photographs import paint
from server.control import SeedContext

MAX_PICTURES = 48
MIN_PICTURES = 4
POSTS_PER_PICTURE = 200


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in the media store, as the columns of `post_images` have it."""

    media_key: str
    width: int
    height: int
    blurhash: str
    alt_text: str
    variants: str


def pictures_for(posts: int) -> int:
    """How many pictures are enough for so many posts."""
    return min(MAX_PICTURES, max(MIN_PICTURES, posts // POSTS_PER_PICTURE))


async def pool(workshop: SeedContext, count: int, on_step: Callable[[int], None]) -> list[Picture]:
    """The pictures, those that no row shows yet painted and stored now."""
    pictures: list[Picture] = []
    for number in range(count):
        pictures.append(await _found(workshop, number) or await _made(workshop, number))
        on_step(1)
    return pictures


def media_key(number: int) -> str:
    return f"posts/crowd-{number:03}"


async def _found(workshop: SeedContext, number: int) -> Picture | None:
    rows = await workshop.database.rows(
        "SELECT media_key, width, height, blurhash, alt_text, variants FROM post_images WHERE media_key = ? LIMIT 1",
        [media_key(number)],
    )
    return Picture(**rows[0]) if rows else None


async def _made(workshop: SeedContext, number: int) -> Picture:
    with tempfile.TemporaryDirectory(dir=workshop.work_dir) as folder:
        source, renditions = Path(folder) / "painted.jpg", Path(folder) / "renditions"
        painted = paint(f"crowd/{number}")
        painted.save(source)
        image = await workshop.images.process(source, renditions)
        for rendition in image.renditions:
            await workshop.media.put(f"{media_key(number)}/{rendition.name}.jpg", rendition.path)
    names = orjson.dumps([rendition.name for rendition in image.renditions]).decode()
    return Picture(media_key(number), image.width, image.height, image.blurhash, painted.alt_text, names)
