"""Creates the sample comments."""

from collections.abc import Iterator
from functools import partial

from seeds.activities import Activity
from seeds.existing_rows import ExistingRows
from seeds.timeline import SampleComment, Timeline
from server.control import SeedContext

STEP = "comments"


def missing(timeline: Timeline, existing: ExistingRows) -> Iterator[Activity]:
    """Yield an activity per missing comment."""
    for comment in timeline.comments:
        if existing.comment_id(comment) is None:
            yield Activity(comment.at, STEP, partial(_comment, comment))


async def _comment(comment: SampleComment, context: SeedContext, existing: ExistingRows) -> None:
    author_id, post_id = existing.user_id(comment.author), existing.post_id(comment.post)
    parent_id = existing.comment_id(comment.parent) if comment.parent else None
    created = await context.services.comments.add(author_id, post_id, comment.content, parent_id)
    existing.comments[post_id, author_id, comment.content] = created.id
