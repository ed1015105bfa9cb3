"""Pictures of a crowd: a few dozen, painted and stored once, that many posts share.

A shared picture is deleted with its last row: the deletion of a post and the sweep of the media store check for others.
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
    """A stored picture; the fields are columns of `post_images`."""

    media_key: str
    width: int
    height: int
    blurhash: str
    alt_text: str
    variants: str


def pictures_for(posts: int) -> int:
    """Return the number of pictures for a number of posts."""
    return min(MAX_PICTURES, max(MIN_PICTURES, posts // POSTS_PER_PICTURE))


async def pool(context: SeedContext, count: int, on_step: Callable[[int], None]) -> list[Picture]:
    """Return `count` pictures; paint and store those that no row uses yet."""
    pictures: list[Picture] = []
    for number in range(count):
        pictures.append(await _find(context, number) or await _create(context, number))
        on_step(1)
    return pictures


def media_key(number: int) -> str:
    return f"posts/crowd-{number:03}"


async def _find(context: SeedContext, number: int) -> Picture | None:
    rows = await context.database.rows(
        "SELECT media_key, width, height, blurhash, alt_text, variants FROM post_images WHERE media_key = ? LIMIT 1",
        [media_key(number)],
    )
    return Picture(**rows[0]) if rows else None


async def _create(context: SeedContext, number: int) -> Picture:
    with tempfile.TemporaryDirectory(dir=context.work_dir) as folder:
        source = Path(folder) / "painted.jpg"
        painted = paint(f"crowd/{number}")
        painted.save(source)
        image = await context.images.process(source)
        for rendition in image.renditions:
            await context.media.put(f"{media_key(number)}/{rendition.name}.jpg", rendition.content)
    names = orjson.dumps([rendition.name for rendition in image.renditions]).decode()
    return Picture(media_key(number), image.width, image.height, image.blurhash, painted.alt_text, names)
