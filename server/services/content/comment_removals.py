"""Removal of comments by others than users: decisions of moderators, and erasures of accounts."""

from functools import partial

from server.events import CacheKey, CommentsDeleted
from server.ids import ActionId, CommentId, PostId, UserId
from server.models.conditions import ALL
from server.models.content.comments import CommentRepository
from server.models.content.posts import PostRepository
from server.models.content.visibility import NOT_DELETED
from server.services.content.comment_counts import CommentCounts
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

ERASED_PER_TRANSACTION = 50


class CommentRemovals:
    def __init__(
        self,
        comments: CommentRepository,
        posts: PostRepository,
        counts: CommentCounts,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._comments = comments
        self._posts = posts
        self._counts = counts
        self._unit_of_work = unit_of_work

    async def erase(self, author_id: UserId, post_id: PostId) -> None:
        """Delete some comments of an erased account on a post, with the replies to them; a few at a time."""
        await self._unit_of_work.run(
            partial(self._erase, author_id, post_id), changes=(CacheKey("post", post_id),)
        )

    async def take_down(
        self, post_id: PostId, comment_id: CommentId, action_id: ActionId, work: WorkContext
    ) -> None:
        """Hide a comment and its replies for a moderator, in a unit of work that names the post as changed.

        Nothing happens if it was hidden or deleted before.
        """
        await self._posts.lock(post_id, ALL)
        comment = await self._comments.get(comment_id, post_id)
        if comment is not None:
            replies = await self._comments.hide(comment_id, post_id, action_id)
            change = -replies - int(not comment.pending)
            await self._counts.change_of_any(work, post_id, comment.parent_id, change)

    async def restore(
        self, post_id: PostId, comment_id: CommentId, action_id: ActionId, work: WorkContext
    ) -> None:
        """Show a comment again that an action hid, with the replies that it hid; notifications about them return.

        A reply whose thread another action hides stays hidden with it. Nothing happens if it was deleted.
        """
        await self._posts.lock(post_id, ALL)
        comment = await self._comments.get_hidden(comment_id, post_id, action_id)
        if comment is None:
            return
        hider = None if comment.parent_id is None else await self._comments.get_hider(comment.parent_id)
        if hider is not None:
            await self._comments.set_hider(comment_id, hider)
            return
        replies = await self._comments.unhide(comment_id, post_id, action_id)
        change = replies + int(not comment.pending)
        await self._counts.change_of_any(work, post_id, comment.parent_id, change)

    async def _erase(self, author_id: UserId, post_id: PostId, work: WorkContext) -> None:
        # The counters of deleted posts are not maintained.
        post = await self._posts.lock(post_id, NOT_DELETED)
        deleted = 0
        for comment in await self._comments.list_by_author(post_id, author_id, ERASED_PER_TRANSACTION):
            deleted += await self._comments.delete_replies(comment.id, post_id)
            if not await self._comments.delete(comment.id):  # it was a reply to one of the others
                continue
            if not comment.is_counted:
                continue
            deleted += 1
            if comment.parent_id is not None:
                await self._comments.change_replies_count(comment.parent_id, -1)
        if post is not None and deleted:
            await self._counts.change(work, post, None, -deleted)
            work.emit(CommentsDeleted(post_id))
