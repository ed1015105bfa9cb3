"""Counters of comments: those of a post, and those of replies in a thread."""

from server.events import PostChanged
from server.ids import CommentId, PostId
from server.models.content.comments import CommentRepository
from server.models.content.posts import PostRepository, PostRow
from server.models.content.visibility import NOT_DELETED
from server.services.jobs.unit_of_work import WorkContext


class CommentCounts:
    """Counters leave out comments that are pending or hidden. They are changed under a lock on the post."""

    def __init__(self, comments: CommentRepository, posts: PostRepository) -> None:
        self._comments = comments
        self._posts = posts

    async def change(
        self, work: WorkContext, post: PostRow, thread_id: CommentId | None, change: int
    ) -> None:
        """Change the counters of a locked post and of the thread."""
        count, revision = post.comments_count + change, post.revision + 1
        await self._posts.set_comments_count(post.id, count, revision)
        work.emit(
            PostChanged(
                post.id,
                post.author_id,
                revision,
                post.likes_count,
                count,
                post.changed_at_ms,
                post.audience,
                post.archived,
            )
        )
        await self._change_replies(thread_id, change)

    async def change_of_any(
        self, work: WorkContext, post_id: PostId, thread_id: CommentId | None, change: int
    ) -> None:
        """Change the counters of the thread, and those of a locked post unless it is hidden, too."""
        post = await self._posts.lock(post_id, NOT_DELETED)
        if post is not None:
            await self.change(work, post, thread_id, change)
        else:
            await self._change_replies(thread_id, change)

    async def _change_replies(self, thread_id: CommentId | None, change: int) -> None:
        if thread_id is not None:
            await self._comments.change_replies_count(thread_id, change)
