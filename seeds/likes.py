"""Who likes which post."""

from collections.abc import Iterator
from functools import partial

from seeds.activities import Act
from seeds.existing_rows import Place
from seeds.timeline import Liking, Story
from server.control import SeedContext

STEP = "likes"


def missing(story: Story, place: Place) -> Iterator[Act]:
    """The likes that are not there."""
    for liking in story.likings:
        who, post_id = place.residents.get(liking.who), place.posts.get(liking.post.key)
        if who is None or post_id is None or (who.id, post_id) not in place.likes:
            yield Act(liking.at, STEP, partial(_like, liking))


async def _like(liking: Liking, workshop: SeedContext, place: Place) -> None:
    await workshop.services.likes.like(place.user_id(liking.who), place.post_id(liking.post))
