"""Pinned comments, which the author of a post shows above the others."""

from collections.abc import Mapping
from functools import partial

from server.errors import Conflict, Forbidden
from server.ids import CommentId, PostId, UserId
from server.models.conditions import ALL
from server.models.content.comments import CommentRepository, CommentRow
from server.services.content.limits import MAX_PINNED_COMMENTS
from server.services.content.visibility import Visibility, comment_not_found
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext


class CommentPins:
    """The lock on the post keeps the number of pinned comments exact."""

    def __init__(self, comments: CommentRepository, unit_of_work: UnitOfWork, visibility: Visibility) -> None:
        self._comments = comments
        self._unit_of_work = unit_of_work
        self._visibility = visibility

    async def pin(self, editor_id: UserId, post_id: PostId, comment_id: CommentId) -> None:
        """Pin a comment; a pinned one stays in its place.

        Raises NotFound for the post and the comment, Forbidden unless the editor wrote the post, and Conflict for a
        reply, for a pending comment, and if MAX_PINNED_COMMENTS are pinned.
        """
        await self._unit_of_work.run(partial(self._pin, editor_id, post_id, comment_id))

    async def unpin(self, editor_id: UserId, post_id: PostId, comment_id: CommentId) -> None:
        """Unpin a comment; one that is not pinned stays so. Raises NotFound and Forbidden."""
        await self._unit_of_work.run(partial(self._unpin, editor_id, post_id, comment_id))

    async def _pin(
        self, editor_id: UserId, post_id: PostId, comment_id: CommentId, work: WorkContext
    ) -> None:
        comment = await self._find(editor_id, post_id, comment_id)
        if comment.parent_id is not None:
            raise Conflict(
                "Replies cannot be pinned. Pin the comment that they answer.", code="comment_is_reply"
            )
        if comment.pending:
            raise Conflict("Approve the comment before you pin it.", code="comment_pending")
        pins = await self._comments.list_pins(post_id, ALL)
        if comment_id in pins:
            return
        await self._make_room(editor_id, post_id, pins)
        # Later than the other pins, because the list is in the order of these times.
        await self._comments.set_pinned(comment_id, max(work.now_ms(), *(at + 1 for at in pins.values()), 0))

    async def _unpin(self, editor_id: UserId, post_id: PostId, comment_id: CommentId, _: WorkContext) -> None:
        await self._find(editor_id, post_id, comment_id)
        await self._comments.set_pinned(comment_id, None)

    async def _make_room(self, editor_id: UserId, post_id: PostId, pins: Mapping[CommentId, int]) -> None:
        """Raise Conflict if there is no place left. One that the editor does not see, and cannot unpin, is free."""
        if len(pins) < MAX_PINNED_COMMENTS:
            return
        seen = await self._comments.list_pins(post_id, self._visibility.comments(editor_id))
        hidden = pins.keys() - seen.keys()
        if not hidden:
            raise Conflict(
                f"{MAX_PINNED_COMMENTS} comments of this post are pinned. Unpin one of them first.",
                code="too_many_pins",
            )
        await self._comments.set_pinned(min(hidden), None)

    async def _find(self, editor_id: UserId, post_id: PostId, comment_id: CommentId) -> CommentRow:
        post = await self._visibility.lock_post(editor_id, post_id)
        comment = await self._comments.get(comment_id, post_id, self._visibility.comments(editor_id))
        if comment is None:
            raise comment_not_found()
        if post.author_id != editor_id:
            raise Forbidden("Only the author of the post may pin comments.")
        return comment
