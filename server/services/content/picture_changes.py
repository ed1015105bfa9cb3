"""Changes of what a post shows that are no edits: renditions, tags and pins."""

from dataclasses import replace

from server.events import PostChanged
from server.models.content.posts import PostRepository, PostRow
from server.services.jobs.unit_of_work import WorkContext


async def record_picture_change(posts: PostRepository, post: PostRow, work: WorkContext) -> PostRow:
    """Let caches read the card of a locked post again, without marking it as edited; return the changed row."""
    # Always later than the previous change, because caches identify a card by this time.
    changed_at_ms = max(work.now_ms(), (post.changed_at_ms or 0) + 1)
    changed = replace(post, pictures_changed_at_ms=changed_at_ms, revision=post.revision + 1)
    await posts.set_pictures_changed(post.id, changed_at_ms, changed.revision)
    work.emit(state_of(changed))
    return changed


async def unpin(posts: PostRepository, post: PostRow, work: WorkContext) -> PostRow:
    """Unpin a locked post, if it is pinned, and return its row: a post that is not listed is not pinned."""
    if not post.pinned:
        return post
    await posts.set_pinned(post.id, None)
    return await record_picture_change(posts, replace(post, pinned=False), work)


def state_of(post: PostRow) -> PostChanged:
    """Return the event with the current state of a post."""
    return PostChanged(
        post.id,
        post.author_id,
        post.revision,
        post.likes_count,
        post.comments_count,
        post.changed_at_ms,
        post.audience,
        post.archived,
    )
