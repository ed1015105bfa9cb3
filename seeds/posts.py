"""The posts, their pictures painted for them and sent through the same pipeline as everybody's."""

import asyncio
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from seeds.activities import Act
from seeds.existing_rows import Place
from seeds.photographs import paint
from seeds.timeline import Publication, Story
from server.control import SeedContext
from server.services.content.posts import Upload

STEP = "posts"


def missing(story: Story, place: Place) -> Iterator[Act]:
    """The posts that are not there."""
    for post in story.publications:
        if post.key not in place.posts:
            yield Act(post.at, STEP, partial(_publish, post))


async def _publish(post: Publication, workshop: SeedContext, place: Place) -> None:
    author_id = place.user_id(post.author)
    with tempfile.TemporaryDirectory(dir=workshop.work_dir) as folder:
        uploads = [
            await asyncio.to_thread(_painted, post, number, Path(folder)) for number in range(post.pictures)
        ]
        published = await workshop.services.posts.publish(author_id, post.caption, uploads)
    place.posts[post.key] = published.id


def _painted(post: Publication, number: int, folder: Path) -> Upload:
    file = folder / f"{number}.jpg"
    picture = paint(f"{post.author}/{post.caption}/{number}", post.scene)
    picture.save(file)
    return Upload(file, picture.alt_text)
