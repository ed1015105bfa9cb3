"""Changes of what a post's pictures show that are no edits: renditions and tags."""

from server.events import PostChanged
from server.models.content.posts import PostRepository, PostRow
from server.services.jobs.unit_of_work import WorkContext


async def record_picture_change(posts: PostRepository, post: PostRow, work: WorkContext) -> None:
    """Let caches read the card of a locked post again, without marking it as edited."""
    # Always later than the previous change, because caches identify a card by this time.
    changed_at_ms = max(work.now_ms(), (post.changed_at_ms or 0) + 1)
    revision = post.revision + 1
    await posts.set_pictures_changed(post.id, changed_at_ms, revision)
    counts = (post.likes_count, post.comments_count)
    work.emit(
        PostChanged(post.id, post.author_id, revision, *counts, changed_at_ms, post.audience, post.archived)
    )
