"""The conversations under the posts."""

from collections.abc import Iterator
from functools import partial

from seeds.activities import Act
from seeds.existing_rows import Place
from seeds.timeline import Remark, Story
from server.control import SeedContext

STEP = "comments"


def missing(story: Story, place: Place) -> Iterator[Act]:
    """The comments that are not there."""
    for remark in story.remarks:
        if place.comment_id(remark) is None:
            yield Act(remark.at, STEP, partial(_say, remark))


async def _say(remark: Remark, workshop: SeedContext, place: Place) -> None:
    author_id, post_id = place.user_id(remark.author), place.post_id(remark.post)
    parent_id = place.comment_id(remark.answers) if remark.answers else None
    comment = await workshop.services.comments.add(author_id, post_id, remark.content, parent_id)
    place.comments[post_id, author_id, remark.content] = comment.id
