"""Creates the sample posts; their painted pictures go through the regular image pipeline."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from seeds.activities import Activity
from seeds.existing_rows import ExistingRows
from seeds.photographs import paint
from seeds.timeline import SamplePost, Timeline
from server.control import SeedContext
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.services.content.pictures import Upload

STEP = "posts"


def missing(timeline: Timeline, existing: ExistingRows) -> Iterator[Activity]:
    """Yield an activity per missing post."""
    for post in timeline.posts:
        if post.key not in existing.posts:
            yield Activity(post.at, STEP, partial(_publish, post))


async def _publish(post: SamplePost, context: SeedContext, existing: ExistingRows) -> None:
    existing.posts[post.key] = await publish_painted(post, existing.user_id(post.author), context)


async def publish_painted(
    post: SamplePost, author_id: UserId, context: SeedContext, audience: Audience = Audience.PUBLIC
) -> PostId:
    """Paint the pictures of a post, and publish it."""
    async with painted(post, context) as uploads:
        published = await context.services.posts.publish(author_id, post.caption, uploads, audience=audience)
    return published.id


@asynccontextmanager
async def painted(post: SamplePost, context: SeedContext) -> AsyncIterator[list[Upload]]:
    """Yield the painted pictures of a post, whose files exist until the context ends."""
    with tempfile.TemporaryDirectory(dir=context.work_dir) as folder:
        yield [
            await asyncio.to_thread(_painted, post, number, Path(folder)) for number in range(post.pictures)
        ]


def _painted(post: SamplePost, number: int, folder: Path) -> Upload:
    file = folder / f"{number}.jpg"
    picture = paint(f"{post.author}/{post.caption}/{number}", post.scene)
    picture.save(file)
    return Upload(file, picture.alt_text)
