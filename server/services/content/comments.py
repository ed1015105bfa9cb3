"""Comments: what people write under a post, with replies one level deep."""

from collections.abc import Mapping
from typing import Any

from server.errors import Forbidden, NotFound
from server.events import CacheKey, CommentAdded, CommentsDeleted, PostChanged
from server.ids import CommentId, PostId, UserId, id_timestamp_ms
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.content.comments import CommentTable as CommentRow
from server.models.database import Database
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.mentions import mentions_in
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Comment


class Comments:
    def __init__(
        self, database: Database, unit_of_work: UnitOfWork, cards: Cards, visibility: Visibility
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._visibility = visibility
        self._cards = cards

    async def add(
        self,
        author_id: UserId,
        post_id: PostId,
        content: str,
        parent_id: CommentId | None,
        once: IdempotencyToken | None = None,
    ) -> Comment:
        """Comment on a post, or reply to a comment of it; a reply to a reply goes to the same thread.

        Raises NotFound for the post and for the parent, AlreadyDone for `once`.
        """

        async def body(work: WorkContext) -> Comment:
            post = await self._visibility.post(author_id, post_id, lock=True)
            thread_id, answered_id = (
                (None, None) if parent_id is None else await self._thread(post_id, parent_id)
            )
            comment = await CommentRow.create(
                id=work.made_id, post_id=post_id, author_id=author_id, parent_id=thread_id, content=content
            )
            await self._count(work, post, thread_id, +1)
            work.emit(
                CommentAdded(
                    CommentId(comment.id), post_id, UserId(post["author_id"]), author_id, answered_id
                )
            )
            # Read in here: a moment after the commit somebody may have deleted it.
            return (await self._read("c.id = ?", [comment.id], 1))[0]

        return await self._unit_of_work.run(body, changes=(CacheKey("post", post_id),), once=once)

    async def get(self, comment_id: CommentId) -> Comment:
        """One comment, for its author. Raises NotFound."""
        found = await self._read("c.id = ?", [comment_id], 1)
        if not found:
            raise _no_comment()
        return found[0]

    async def of_post(self, viewer_id: UserId, post_id: PostId, request: PageRequest) -> Page[Comment]:
        """Comments of a post, without the replies, newest first. Raises NotFound."""
        await self._visibility.post(viewer_id, post_id)
        comments = await self._read(
            "c.post_id = ? AND c.parent_id IS NULL AND c.id < ?",
            [post_id, request.before_id],
            request.limit + 1,
        )
        return cut(comments, request.limit, lambda comment: comment.id)

    async def replies(
        self, viewer_id: UserId, post_id: PostId, parent_id: CommentId, request: PageRequest
    ) -> Page[Comment]:
        """Replies to a comment of a post, newest first, as every list is. Raises NotFound for both."""
        await self._visibility.post(viewer_id, post_id)
        if not await CommentRow.filter(id=parent_id, post_id=post_id).exists():
            raise _no_comment()
        replies = await self._read(
            "c.post_id = ? AND c.parent_id = ? AND c.id < ?",
            [post_id, parent_id, request.before_id],
            request.limit + 1,
        )
        return cut(replies, request.limit, lambda reply: reply.id)

    async def delete(self, editor_id: UserId, post_id: PostId, comment_id: CommentId) -> None:
        """Delete a comment, and the replies to it.

        Raises NotFound for post and comment, Forbidden for anybody but the comment's author and the post's.
        """

        async def body(work: WorkContext) -> None:
            # The lock on the post keeps a reply from being written to a comment that is on its way out.
            post = await self._visibility.post(editor_id, post_id, lock=True)
            comment = await CommentRow.filter(id=comment_id, post_id=post_id).first()
            if comment is None:
                raise _no_comment()
            if editor_id not in (comment.author_id, post["author_id"]):
                raise Forbidden("Only its author and the author of the post may delete a comment.")
            replies = await self._database.execute(
                "DELETE FROM comments WHERE post_id = ? AND parent_id = ?", [post_id, comment_id]
            )
            await self._database.execute("DELETE FROM comments WHERE id = ?", [comment_id])
            await self._count(work, post, comment.parent_id, -1 - replies)
            work.emit(CommentsDeleted(post_id))

        await self._unit_of_work.run(body, changes=(CacheKey("post", post_id),))

    async def _read(self, condition: str, parameters: list[Any], limit: int) -> list[Comment]:
        rows = await self._database.rows(
            f"SELECT c.id, c.post_id, c.parent_id, c.content, c.replies_count, {USER_COLUMNS} FROM comments c"
            f" JOIN users u ON u.id = c.author_id WHERE {condition} ORDER BY c.id DESC LIMIT ?",
            [*parameters, limit],
        )
        return [
            Comment(
                id=CommentId(row["id"]),
                post_id=PostId(row["post_id"]),
                parent_id=row["parent_id"],
                author=self._cards.user(UserCardRow.from_row(row)),
                content=row["content"],
                mentions=mentions_in(row["content"]),
                replies_count=row["replies_count"],
                created_at_ms=id_timestamp_ms(row["id"]),
            )
            for row in rows
        ]

    async def _count(
        self, work: WorkContext, post: Mapping[str, Any], thread_id: int | None, change: int
    ) -> None:
        """Count comments more or less of a post that is locked, and of the thread that they belong to."""
        post_id, count, revision = PostId(post["id"]), post["comments_count"] + change, post["revision"] + 1
        await self._database.execute(
            "UPDATE posts SET comments_count = ?, revision = ? WHERE id = ?", [count, revision, post_id]
        )
        author_id, likes, edited = UserId(post["author_id"]), post["likes_count"], post["edited_at_ms"]
        work.emit(PostChanged(post_id, author_id, revision, likes, count, edited))
        if thread_id is not None:
            await self._database.execute(
                "UPDATE comments SET replies_count = replies_count + ? WHERE id = ?", [change, thread_id]
            )

    async def _thread(self, post_id: PostId, parent_id: CommentId) -> tuple[CommentId, UserId]:
        """The first comment of a thread, and who wrote the one that is answered."""
        parent = await CommentRow.filter(id=parent_id, post_id=post_id).first()
        if parent is None:
            raise _no_comment()
        return CommentId(parent.parent_id or parent.id), UserId(parent.author_id)


def _no_comment() -> NotFound:
    return NotFound("There is no such comment.")
