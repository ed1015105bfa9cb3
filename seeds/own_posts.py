"""Creates posts in every state: a draft, a scheduled post, an archived one, and a pin."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from seeds.existing_rows import ExistingRows
from seeds.posts import painted, publish_painted
from seeds.protection import Part
from seeds.timeline import NOW, SamplePost, Timeline
from server.control import SeedContext
from server.models.database import Database
from server.services.content.drafts import DraftContent
from server.services.records import PostStatus

AUTHOR = "ana"
DRAFT = SamplePost(NOW, AUTHOR, "Not sure about this one yet.", "mountains", 1)
SCHEDULED = SamplePost(NOW, AUTHOR, "See you in a month! #sunrise", "sea", 1)
ARCHIVED = SamplePost(NOW, AUTHOR, "My old kitchen.", "colours", 1)
SCHEDULED_AFTER = timedelta(days=30)


def list_parts(timeline: Timeline) -> Iterator[Part]:
    """Yield the parts in the order in which they happen."""
    yield "draft", partial(_keep_draft, DRAFT, None)
    yield "scheduled", partial(_keep_draft, SCHEDULED, SCHEDULED_AFTER)
    yield "archived", _archive
    if own := [post for post in timeline.posts if post.author == AUTHOR]:
        yield "pinned", partial(_pin, min(own, key=lambda post: post.at))


async def survey_own_posts(database: Database) -> set[str]:
    """Return the parts that exist; a scheduled post may have been published."""
    of_user = "(SELECT id FROM users WHERE username_key = ?)"
    parts: tuple[tuple[str, str, list[str]], ...] = (
        ("draft", f"drafts WHERE author_id = {of_user} AND caption = ?", [DRAFT.caption]),
        ("scheduled", f"drafts WHERE author_id = {of_user} AND caption = ?", [SCHEDULED.caption]),
        ("scheduled", f"posts WHERE author_id = {of_user} AND caption = ?", [SCHEDULED.caption]),
        ("archived", f"posts WHERE author_id = {of_user} AND caption = ?", [ARCHIVED.caption]),
        ("pinned", f"posts WHERE author_id = {of_user} AND pinned_at_ms IS NOT NULL", []),
    )
    return {
        key
        for key, found, values in parts
        if await database.rows(f"SELECT 1 FROM {found} LIMIT 1", [AUTHOR, *values])
    }


def describe() -> list[tuple[str, str]]:
    """Return what there is to look at, as `safety.describe`."""
    return [
        (AUTHOR, "has a draft, a scheduled and an archived post in GET /posts?status=, and a pinned post")
    ]


async def _keep_draft(
    post: SamplePost, after: timedelta | None, context: SeedContext, existing: ExistingRows
) -> None:
    at_ms = None if after is None else round((datetime.now(UTC) + after).timestamp() * 1000)
    content = DraftContent(post.caption, publish_at_ms=at_ms)
    async with painted(post, context) as uploads:
        await context.services.drafts.create(existing.user_id(post.author), content, uploads)


async def _archive(context: SeedContext, existing: ExistingRows) -> None:
    author_id = existing.user_id(AUTHOR)
    post_id = await publish_painted(ARCHIVED, author_id, context)
    await context.services.posts.edit(author_id, post_id, None, None, status=PostStatus.ARCHIVED)


async def _pin(post: SamplePost, context: SeedContext, existing: ExistingRows) -> None:
    await context.services.pins.pin(existing.user_id(AUTHOR), existing.post_id(post))
