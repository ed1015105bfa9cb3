"""Pending comments: which comments wait for the author of the post, and their approval."""

from functools import partial

from server.errors import Conflict, Forbidden
from server.events import CacheKey, CommentApproved
from server.ids import CommentId, PostId, UserId
from server.models.content.comment_settings import CommenterRow, Commenters, CommentSettingsRepository
from server.models.content.comments import CommentRepository, CommentRow
from server.models.content.posts import PostRow
from server.services.content.comment_counts import CommentCounts
from server.services.content.comment_settings import has_hidden_word
from server.services.content.visibility import Visibility, comment_not_found
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext


class CommentApprovals:
    def __init__(
        self,
        comments: CommentRepository,
        settings: CommentSettingsRepository,
        counts: CommentCounts,
        unit_of_work: UnitOfWork,
        visibility: Visibility,
    ) -> None:
        self._comments = comments
        self._settings = settings
        self._counts = counts
        self._unit_of_work = unit_of_work
        self._visibility = visibility

    async def approve(self, editor_id: UserId, post_id: PostId, comment_id: CommentId) -> None:
        """Show a pending comment to everybody who sees the post; an approved one stays as it is.

        Raises NotFound for the post and the comment, Forbidden unless the editor wrote the post, and Conflict for a
        reply to a pending comment.
        """
        await self._unit_of_work.run(
            partial(self._approve, editor_id, post_id, comment_id), changes=(CacheKey("post", post_id),)
        )

    async def needs_approval(
        self, author_id: UserId, post: PostRow, parent: CommentRow | None, content: str
    ) -> bool:
        """Return whether a new comment has to be approved.

        Raises Conflict for the post's author who answers a pending comment, and Forbidden for a user who may not
        comment on the posts of its author.
        """
        if author_id == post.author_id:
            if parent is not None and parent.pending:
                raise _first_is_pending()
            return False
        commenter = await self._settings.find_commenter(post.author_id, author_id)
        if commenter.settings.allowed_from is Commenters.FOLLOWERS and not commenter.is_follower:
            raise Forbidden("Only followers of the author may comment on this post.", code="comments_limited")
        return (parent is not None and parent.pending) or _must_wait(commenter, content)

    async def edit_needs_approval(self, author_id: UserId, post: PostRow, content: str) -> bool:
        """Return whether an approved comment has to be approved again with another text."""
        if author_id == post.author_id:
            return False
        return _must_wait(await self._settings.find_commenter(post.author_id, author_id), content)

    async def hold(self, work: WorkContext, post: PostRow, comment: CommentRow) -> None:
        """Make an approved comment pending, in a transaction that has locked the post, and its replies with it.

        So no approved reply is below a pending comment.
        """
        replies = await self._comments.hold(comment.id, post.id)
        await self._counts.change(work, post, comment.parent_id, -1 - replies)

    async def _approve(
        self, editor_id: UserId, post_id: PostId, comment_id: CommentId, work: WorkContext
    ) -> None:
        post = await self._visibility.lock_post(editor_id, post_id)
        comment = await self._comments.get(comment_id, post_id, self._visibility.comments(editor_id))
        if comment is None:
            raise comment_not_found()
        if post.author_id != editor_id:
            raise Forbidden("Only the author of the post may approve comments.")
        if not comment.pending:
            return
        first = None if comment.parent_id is None else await self._comments.get(comment.parent_id, post_id)
        if first is not None and first.pending:
            raise _first_is_pending()
        await self._comments.approve(comment_id)
        await self._counts.change(work, post, comment.parent_id, +1)
        answered_id = None if first is None or first.author_id == editor_id else first.author_id
        work.emit(CommentApproved(comment_id, post_id, comment.author_id, answered_id))


def _must_wait(commenter: CommenterRow, content: str) -> bool:
    return commenter.is_restricted or has_hidden_word(commenter.settings.hidden_words, content)


def _first_is_pending() -> Conflict:
    return Conflict("Approve the comment that this one answers first.", code="comment_pending")
