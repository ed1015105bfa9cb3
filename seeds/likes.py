"""Creates the sample likes."""

from collections.abc import Iterator
from functools import partial

from seeds.activities import Activity
from seeds.existing_rows import ExistingRows
from seeds.timeline import SampleLike, Timeline
from server.control import SeedContext

STEP = "likes"


def missing(timeline: Timeline, existing: ExistingRows) -> Iterator[Activity]:
    """Yield an activity per missing like."""
    for like in timeline.likes:
        user, post_id = existing.users.get(like.username), existing.posts.get(like.post.key)
        if user is None or post_id is None or (user.id, post_id) not in existing.likes:
            yield Activity(like.at, STEP, partial(_like, like))


async def _like(like: SampleLike, context: SeedContext, existing: ExistingRows) -> None:
    await context.services.likes.like(existing.user_id(like.username), existing.post_id(like.post))
