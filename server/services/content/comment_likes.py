"""Likes of comments, and the counter of likes on a comment."""

from functools import partial

from server.errors import Conflict
from server.events import CommentLiked, CommentUnliked
from server.ids import CommentId, PostId, UserId
from server.models.conditions import Column
from server.models.content.comment_likes import CommentLikeRepository
from server.models.content.comments import CommentRepository, CommentRow
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility, comment_not_found
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import LikeState, RelatedUser


class CommentLikes:
    """Every change locks the comment before it writes the like, for the reason that `Likes` gives.

    The post is not locked, because nothing of it changes: likes of different comments do not wait for each other.
    """

    def __init__(
        self,
        likes: CommentLikeRepository,
        comments: CommentRepository,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._likes = likes
        self._comments = comments
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility

    async def like(self, actor_id: UserId, post_id: PostId, comment_id: CommentId) -> LikeState:
        """Like a comment; a second like changes nothing.

        Raises NotFound, and Conflict for the post's author if the comment is pending: its author would be notified.
        """
        return await self._unit_of_work.run(partial(self._like, actor_id, post_id, comment_id))

    async def unlike(self, actor_id: UserId, post_id: PostId, comment_id: CommentId) -> LikeState:
        """Remove a like; without one nothing changes. Raises NotFound."""
        return await self._unit_of_work.run(partial(self._unlike, actor_id, post_id, comment_id))

    async def erase(self, actor_id: UserId, comment_id: CommentId) -> None:
        """Remove a like of an erased account, also of a hidden comment, without notifying anybody."""
        await self._unit_of_work.run(partial(self._erase, actor_id, comment_id))

    async def list_likers(
        self, viewer_id: UserId, post_id: PostId, comment_id: CommentId, request: PageRequest
    ) -> Page[RelatedUser]:
        """Return who likes a comment, newest like first. Raises NotFound."""
        seen = self._visibility.comments_on_visible_posts(viewer_id)
        if await self._comments.get(comment_id, post_id, seen) is None:
            raise comment_not_found()
        visible = self._visibility.users(viewer_id, Column("u.id"))
        rows = await self._likes.list_by_comment(comment_id, visible, request.before_id, request.limit + 1)
        return await self._cards.cut_related(viewer_id, rows, request.limit)

    async def _like(
        self, actor_id: UserId, post_id: PostId, comment_id: CommentId, work: WorkContext
    ) -> LikeState:
        comment = await self._lock(actor_id, post_id, comment_id)
        if comment.pending and comment.author_id != actor_id:
            raise Conflict("Approve the comment before you like it.", code="comment_pending")
        if await self._likes.exists(actor_id, comment_id):
            return LikeState(True, comment.likes_count)
        await self._likes.insert(work.new_id(), actor_id, comment_id)
        await self._comments.set_likes_count(comment_id, comment.likes_count + 1)
        work.emit(CommentLiked(comment_id, post_id, comment.author_id, actor_id))
        return LikeState(True, comment.likes_count + 1)

    async def _unlike(
        self, actor_id: UserId, post_id: PostId, comment_id: CommentId, work: WorkContext
    ) -> LikeState:
        comment = await self._lock(actor_id, post_id, comment_id)
        if not await self._likes.delete(actor_id, comment_id):
            return LikeState(False, comment.likes_count)
        await self._comments.set_likes_count(comment_id, comment.likes_count - 1)
        work.emit(CommentUnliked(comment_id, post_id, comment.author_id, actor_id))
        return LikeState(False, comment.likes_count - 1)

    async def _erase(self, actor_id: UserId, comment_id: CommentId, _: WorkContext) -> None:
        comment = await self._comments.lock_any(comment_id)
        if comment is not None and await self._likes.delete(actor_id, comment_id):
            await self._comments.set_likes_count(comment_id, comment.likes_count - 1)

    async def _lock(self, viewer_id: UserId, post_id: PostId, comment_id: CommentId) -> CommentRow:
        visible = self._visibility.comments_on_visible_posts(viewer_id)
        comment = await self._comments.lock(comment_id, post_id, visible)
        if comment is None:
            raise comment_not_found()
        return comment
