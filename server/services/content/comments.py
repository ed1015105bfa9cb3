"""Comments on posts, with replies one level deep."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from server.errors import Forbidden
from server.events import CacheKey, CommentAdded, CommentEdited, CommentsDeleted
from server.ids import MAX_ID, CommentId, PostId, UserId, id_timestamp_ms
from server.models.content.comment_cards import CommentCardRepository, CommentCardRow
from server.models.content.comments import CommentRepository, CommentRow, NewComment
from server.models.content.posts import PostRow
from server.paging import OLDEST_FIRST, Page, PageRequest, cut, encode_cursor
from server.services.content.cards import Cards, to_relationship
from server.services.content.comment_approvals import CommentApprovals
from server.services.content.comment_counts import CommentCounts
from server.services.content.limits import MAX_PINNED_COMMENTS
from server.services.content.mentions import Mentions
from server.services.content.visibility import Visibility, comment_not_found
from server.services.filters.text_filters import TextFilters
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Comment, OwnComment


class Comments:
    def __init__(  # noqa: PLR0913 - collaborators
        self,
        comments: CommentRepository,
        comment_cards: CommentCardRepository,
        counts: CommentCounts,
        approvals: CommentApprovals,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
        mentions: Mentions,
        filters: TextFilters,
    ) -> None:
        self._comments = comments
        self._comment_cards = comment_cards
        self._counts = counts
        self._approvals = approvals
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility
        self._mentions = mentions
        self._filters = filters

    async def add(
        self,
        author_id: UserId,
        post_id: PostId,
        content: str,
        parent_id: CommentId | None,
        once: IdempotencyToken | None = None,
    ) -> Comment:
        """Comment on a post, or reply to a comment; a reply to a reply joins the same thread.

        It is pending if it answers a pending one, or the post's author has restricted its author or hides one of its
        words. Raises NotFound for the post and the parent, Forbidden for a user who may not comment on the post,
        Conflict for the post's author who answers a pending comment, and AlreadyDone for `once`.
        """
        return await self._unit_of_work.run(
            partial(self._add, author_id, post_id, content, parent_id),
            changes=(CacheKey("post", post_id),),
            token=once,
        )

    async def get(self, comment_id: CommentId) -> Comment:
        """Return a comment to its author. Raises NotFound."""
        row = await self._comment_cards.get(comment_id)
        if row is None:
            raise comment_not_found()
        return self._comment(row)

    async def find(self, viewer_id: UserId, post_id: PostId, comment_id: CommentId) -> Comment:
        """Return a comment or a reply. Raises NotFound for the post and the comment."""
        post = await self._visibility.get_post(viewer_id, post_id)
        visible = self._visibility.comments(viewer_id)
        row = await self._comment_cards.find(comment_id, post_id, viewer_id, visible)
        if row is None:
            raise comment_not_found()
        return self._for_viewer(viewer_id, post)(row)

    async def list_by_post(self, viewer_id: UserId, post_id: PostId, request: PageRequest) -> Page[Comment]:
        """Return the comments of a post without replies: pinned ones, then the others, newest first.

        The cursor names the pinned comments that were shown. So no comment is repeated or skipped, whatever is pinned
        or unpinned in the meantime. Raises NotFound.
        """
        post = await self._visibility.get_post(viewer_id, post_id)
        visible = self._visibility.comments(viewer_id)
        pinned = await self._list_pinned(viewer_id, post_id, request)
        top, shown = pinned[: request.limit], (*request.shown, *(row.id for row in pinned))
        others = await self._comment_cards.list_by_post(
            post_id, viewer_id, visible, request.before_id, request.limit + 1 - len(top), shown
        )
        rest = others[: request.limit - len(top)]
        page = Page([*top, *rest], None)
        if len(pinned) > len(top) or len(others) > len(rest):
            last_id = rest[-1].id if rest else min(request.before_id, MAX_ID)
            page = replace(page, next_cursor=encode_cursor(last_id, *shown[: len(request.shown) + len(top)]))
        return page.map(self._for_viewer(viewer_id, post))

    async def list_replies(
        self, viewer_id: UserId, post_id: PostId, parent_id: CommentId, request: PageRequest
    ) -> Page[Comment]:
        """Return the replies to a comment, oldest first. Raises NotFound for the post and the comment."""
        post = await self._visibility.get_post(viewer_id, post_id)
        visible = self._visibility.comments(viewer_id)
        if await self._comments.get(parent_id, post_id, visible) is None:
            raise comment_not_found()
        rows = await self._comment_cards.list_replies(
            post_id, parent_id, viewer_id, visible, request.after_id, request.limit + 1
        )
        page = cut(rows, request.limit, lambda row: row.id, OLDEST_FIRST)
        return page.map(self._for_viewer(viewer_id, post))

    async def edit(self, editor_id: UserId, post_id: PostId, comment_id: CommentId, content: str) -> Comment:
        """Change the text of a comment; the same text changes nothing.

        A pending comment stays pending, and an approved one becomes so if it would be as a new one. Raises NotFound
        for the post and the comment, Forbidden unless the editor wrote the comment, and what `TextFilters.apply` does.
        """
        return await self._unit_of_work.run(
            partial(self._edit, editor_id, post_id, comment_id, content), changes=(CacheKey("post", post_id),)
        )

    async def list_own(self, author_id: UserId, request: PageRequest) -> Page[OwnComment]:
        """Return the comments and replies of a user on posts that the user may see, newest first."""
        visible = self._visibility.posts(author_id)
        rows = await self._comment_cards.list_own(author_id, visible, request.before_id, request.limit + 1)
        page = cut(rows, request.limit, lambda row: row.id)
        previews = await self._cards.list_previews(list({row.post_id for row in page.items}))
        return page.map(lambda row: OwnComment(self._comment(row), previews[row.post_id]))

    async def delete(self, editor_id: UserId, post_id: PostId, comment_id: CommentId) -> None:
        """Delete a comment and the replies to it.

        Raises NotFound for the post and the comment, and Forbidden unless the editor wrote one of them.
        """
        await self._unit_of_work.run(
            partial(self._delete, editor_id, post_id, comment_id), changes=(CacheKey("post", post_id),)
        )

    async def _add(
        self,
        author_id: UserId,
        post_id: PostId,
        content: str,
        parent_id: CommentId | None,
        work: WorkContext,
    ) -> Comment:
        post = await self._visibility.lock_post(author_id, post_id)
        if not post.options.comments_enabled:
            raise Forbidden("Comments on this post are turned off.", code="comments_off")
        parent = None if parent_id is None else await self._find_parent(author_id, post_id, parent_id)
        thread_id = None if parent is None else parent.parent_id or parent.id
        pending = await self._approvals.needs_approval(author_id, post, parent, content)
        comment_id = CommentId(work.result_id)
        await self._filters.apply(work, ("comment", comment_id), author_id, {"content": content})
        mentions = await self._mentions.resolve(content)
        await self._comments.insert(
            NewComment(comment_id, post_id, author_id, thread_id, content, mentions, pending)
        )
        if not pending:
            await self._counts.change(work, post, thread_id, +1)
            answered_id = None if parent is None else parent.author_id
            work.emit(CommentAdded(comment_id, post_id, post.author_id, author_id, answered_id))
        # Read within the transaction: after the commit another request may delete the comment.
        return await self.get(comment_id)

    async def _edit(
        self, editor_id: UserId, post_id: PostId, comment_id: CommentId, content: str, work: WorkContext
    ) -> Comment:
        post = await self._visibility.lock_post(editor_id, post_id)
        visible = self._visibility.comments(editor_id)
        comment = await self._comments.get(comment_id, post_id, visible)
        text = None if comment is None else await self._comments.find_text(comment_id, visible)
        if comment is None or text is None:
            raise comment_not_found()
        if comment.author_id != editor_id:
            raise Forbidden("Only the author of a comment may change it.")
        if content != text.content:
            await self._filters.apply(work, ("comment", comment_id), editor_id, {"content": content})
            mentions = await self._mentions.resolve(content, text.mentions)
            await self._comments.set_text(comment_id, content, mentions, work.now_ms())
            if not comment.pending and await self._approvals.edit_needs_approval(editor_id, post, content):
                await self._approvals.hold(work, post, comment)
            elif not comment.pending and mentions != text.mentions:
                work.emit(CommentEdited(comment_id, post_id, editor_id))
        return await self.get(comment_id)

    async def _delete(
        self, editor_id: UserId, post_id: PostId, comment_id: CommentId, work: WorkContext
    ) -> None:
        # The lock on the post prevents a concurrent reply to the comment.
        post = await self._visibility.lock_post(editor_id, post_id)
        visible = self._visibility.approved_comments(editor_id)
        comment = await self._comments.get(comment_id, post_id, visible)
        if comment is None:
            raise comment_not_found()
        if editor_id not in (comment.author_id, post.author_id):
            raise Forbidden("Only the author of a comment or of its post may delete the comment.")
        await self._remove(work, post, comment)

    async def _remove(self, work: WorkContext, post: PostRow, comment: CommentRow) -> None:
        replies = await self._comments.delete_replies(comment.id, post.id)
        await self._comments.delete(comment.id)
        counted = replies + (0 if comment.pending else 1)
        if counted:
            await self._counts.change(work, post, comment.parent_id, -counted)
        work.emit(CommentsDeleted(post.id))

    async def _find_parent(self, viewer_id: UserId, post_id: PostId, parent_id: CommentId) -> CommentRow:
        """Return the comment that is answered. Raises NotFound."""
        parent = await self._comments.get(parent_id, post_id, self._visibility.comments(viewer_id))
        if parent is None:
            raise comment_not_found()
        return parent

    async def _list_pinned(
        self, viewer_id: UserId, post_id: PostId, request: PageRequest
    ) -> list[CommentCardRow]:
        """Return pinned comments to show on this page, or more: none once other comments were shown."""
        places = MAX_PINNED_COMMENTS - len(request.shown)
        if request.before_id < MAX_ID or places <= 0:
            return []
        visible = self._visibility.comments(viewer_id)
        pinned = await self._comment_cards.list_pinned(post_id, viewer_id, visible)
        return [row for row in pinned if row.id not in request.shown][:places]

    def _for_viewer(self, viewer_id: UserId, post: PostRow) -> Callable[[CommentCardRow], Comment]:
        """Return the function that renders a comment: only the post's author sees which ones are pending."""
        return partial(self._comment, shows_pending=viewer_id == post.author_id)

    def _comment(self, row: CommentCardRow, *, shows_pending: bool = False) -> Comment:
        return Comment(
            id=row.id,
            post_id=row.post_id,
            parent_id=row.parent_id,
            author=self._cards.user_card(row.author),
            relationship=to_relationship(row.relationship),
            content=row.content,
            mentions=row.mentions,
            replies_count=row.replies_count,
            likes_count=row.likes_count,
            created_at_ms=id_timestamp_ms(row.id),
            edited_at_ms=row.edited_at_ms,
            pending=shows_pending and row.pending,
            pinned=row.pinned,
            liked=row.liked,
        )
