"""Creates the sample follows."""

from collections.abc import Iterator
from functools import partial

from seeds.activities import Activity
from seeds.existing_rows import ExistingRows
from seeds.timeline import Follow, Timeline
from server.control import SeedContext

STEP = "follows"


def missing(timeline: Timeline, existing: ExistingRows) -> Iterator[Activity]:
    """Yield an activity per missing follow."""
    for follow in timeline.follows:
        pair = tuple(existing.users.get(name) for name in (follow.follower, follow.followee))
        follower, followee = pair
        if follower is None or followee is None or (follower.id, followee.id) not in existing.follows:
            yield Activity(follow.at, STEP, partial(_follow, follow))


async def _follow(follow: Follow, context: SeedContext, existing: ExistingRows) -> None:
    follower_id, followee_id = existing.user_id(follow.follower), existing.user_id(follow.followee)
    await context.services.follows.follow(follower_id, followee_id)
