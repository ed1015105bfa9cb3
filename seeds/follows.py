"""Who follows whom."""

from collections.abc import Iterator
from functools import partial

from seeds.activities import Act
from seeds.existing_rows import Place
from seeds.timeline import Following, Story
from server.control import SeedContext

STEP = "follows"


def missing(story: Story, place: Place) -> Iterator[Act]:
    """The follows that are not there."""
    for following in story.followings:
        pair = tuple(place.residents.get(name) for name in (following.follower, following.followee))
        follower, followee = pair
        if follower is None or followee is None or (follower.id, followee.id) not in place.follows:
            yield Act(following.at, STEP, partial(_follow, following))


async def _follow(following: Following, workshop: SeedContext, place: Place) -> None:
    follower_id, followee_id = place.user_id(following.follower), place.user_id(following.followee)
    await workshop.services.follows.follow(follower_id, followee_id)
