"""Table `comments`: comments on posts; a reply names its parent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import ActionId, CommentId, PostId, UserId
from server.models.conditions import ALL, Condition, all_of
from server.models.content.stored_mentions import pack_mentions, unpack_mentions
from server.models.database import Database

# The name that the index on (author_id, id) has in the migrations.
BY_AUTHOR = "idx_comments_author__9b94de"


class CommentTable(Model):
    """`hidden_by_id`: the action in the audit log by which moderators hid the comment, with its thread or by itself.

    `pending` is 1 until the author of the post approves the comment. Counters leave hidden and pending comments out.
    `pinned_at_ms` is set while the author of the post shows the comment above the others.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    author_id: int
    author = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    parent_id: fields.Field[int | None] = fields.BigIntField(null=True)
    content = fields.TextField()
    mentions = fields.TextField(null=True)
    replies_count = fields.IntField(default=0)
    likes_count = fields.IntField(default=0, db_default=0)
    hidden_by_id: fields.Field[int | None] = fields.BigIntField(null=True)
    pending = fields.SmallIntField(default=0, db_default=0)
    edited_at_ms = fields.BigIntField(null=True)
    pinned_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "comments"
        indexes = (("post_id", "parent_id", "id"), ("author_id", "id"), ("post_id", "pinned_at_ms"))


NOT_HIDDEN = Condition("c.hidden_by_id IS NULL")
COUNTED = Condition("c.hidden_by_id IS NULL AND c.pending = 0")
ROW = "c.id, c.author_id, c.parent_id, c.hidden_by_id, c.pending, c.likes_count"


@dataclass(frozen=True, slots=True)
class NewComment:
    id: CommentId
    post_id: PostId
    author_id: UserId
    parent_id: CommentId | None
    content: str
    mentions: Mapping[str, UserId]
    pending: bool


@dataclass(frozen=True, slots=True)
class CommentRow:
    """A comment without its text."""

    id: CommentId
    author_id: UserId
    parent_id: CommentId | None
    hidden_by_id: ActionId | None
    pending: bool
    likes_count: int

    @property
    def is_counted(self) -> bool:
        return self.hidden_by_id is None and not self.pending


@dataclass(frozen=True, slots=True)
class CommentTextRow:
    """A comment with its text and without its author's card."""

    post_id: PostId
    author_id: UserId
    content: str
    mentions: dict[str, UserId]


class CommentRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, comment: NewComment) -> None:
        await CommentTable.create(
            id=comment.id,
            post_id=comment.post_id,
            author_id=comment.author_id,
            parent_id=comment.parent_id,
            content=comment.content,
            mentions=pack_mentions(comment.mentions),
            pending=int(comment.pending),
        )

    async def get(
        self, comment_id: CommentId, post_id: PostId, visible: Condition = ALL
    ) -> CommentRow | None:
        """Return the comment `c` if it belongs to this post, is not hidden, and satisfies `visible`."""
        return await self._get(comment_id, post_id, all_of(NOT_HIDDEN, visible))

    async def lock(self, comment_id: CommentId, post_id: PostId, visible: Condition) -> CommentRow | None:
        """Lock the comment `c` until the commit, under the conditions of `get`."""
        return await self._get(comment_id, post_id, all_of(NOT_HIDDEN, visible), self._database.for_update)

    async def lock_any(self, comment_id: CommentId) -> CommentRow | None:
        """Lock a comment of any post until the commit, also a hidden one."""
        rows = await self._database.rows(
            f"SELECT {ROW} FROM comments c WHERE c.id = ?{self._database.for_update}", [comment_id]
        )
        return _row(rows[0]) if rows else None

    async def get_hidden(
        self, comment_id: CommentId, post_id: PostId, hidden_by_id: ActionId
    ) -> CommentRow | None:
        """Return the comment if an action hid it."""
        return await self._get(comment_id, post_id, Condition("c.hidden_by_id = ?", (hidden_by_id,)))

    async def get_hider(self, comment_id: CommentId) -> ActionId | None:
        """Return the action that hides a comment, if it is hidden."""
        rows = await self._database.rows("SELECT hidden_by_id FROM comments WHERE id = ?", [comment_id])
        return rows[0]["hidden_by_id"] if rows else None

    async def find_text(self, comment_id: CommentId, visible: Condition) -> CommentTextRow | None:
        """Return the comment `c` of any post if it satisfies `visible`."""
        rows = await self._database.rows(
            "SELECT c.post_id, c.author_id, c.content, c.mentions FROM comments c"
            f" WHERE c.id = ? AND {NOT_HIDDEN.sql} AND {visible.sql}",
            [comment_id, *visible.parameters],
        )
        if not rows:
            return None
        (row,) = rows
        mentions = unpack_mentions(row["mentions"])
        return CommentTextRow(PostId(row["post_id"]), UserId(row["author_id"]), row["content"], mentions)

    async def list_pins(self, post_id: PostId, visible: Condition) -> dict[CommentId, int]:
        """Return when each pinned comment `c` that satisfies `visible` was pinned."""
        rows = await self._database.rows(
            "SELECT c.id, c.pinned_at_ms FROM comments c"
            f" WHERE c.post_id = ? AND c.pinned_at_ms IS NOT NULL AND {visible.sql}",
            [post_id, *visible.parameters],
        )
        return {CommentId(row["id"]): row["pinned_at_ms"] for row in rows}

    async def set_pinned(self, comment_id: CommentId, pinned_at_ms: int | None) -> None:
        """Pin a comment, or unpin it with None."""
        await self._database.execute(
            "UPDATE comments SET pinned_at_ms = ? WHERE id = ?", [pinned_at_ms, comment_id]
        )

    async def list_by_author(self, post_id: PostId, author_id: UserId, limit: int) -> list[CommentRow]:
        """Return comments of one user on a post, replies and hidden ones included, in no particular order."""
        rows = await self._database.rows(
            f"SELECT {ROW} FROM comments c WHERE c.author_id = ? AND c.post_id = ? LIMIT ?",
            [author_id, post_id, limit],
        )
        return [_row(row) for row in rows]

    async def set_text(
        self, comment_id: CommentId, content: str, mentions: Mapping[str, UserId], edited_at_ms: int
    ) -> None:
        await self._database.execute(
            "UPDATE comments SET content = ?, mentions = ?, edited_at_ms = ? WHERE id = ?",
            [content, pack_mentions(mentions), edited_at_ms, comment_id],
        )

    async def change_replies_count(self, comment_id: CommentId, change: int) -> None:
        await self._database.execute(
            "UPDATE comments SET replies_count = replies_count + ? WHERE id = ?", [change, comment_id]
        )

    async def set_likes_count(self, comment_id: CommentId, count: int) -> None:
        await self._database.execute("UPDATE comments SET likes_count = ? WHERE id = ?", [count, comment_id])

    async def delete_replies(self, comment_id: CommentId, post_id: PostId) -> int:
        """Return the number of deleted replies that were counted."""
        counted = await self._count_replies(comment_id, post_id, COUNTED)
        await self._database.execute(
            "DELETE FROM comments WHERE post_id = ? AND parent_id = ?", [post_id, comment_id]
        )
        return counted

    async def hide(self, comment_id: CommentId, post_id: PostId, action_id: ActionId) -> int:
        """Hide a comment and its replies; return the number of replies that were counted before."""
        replies = await self._count_replies(comment_id, post_id, COUNTED)
        await self._database.execute(
            "UPDATE comments SET hidden_by_id = ? WHERE post_id = ? AND parent_id = ? AND hidden_by_id IS NULL",
            [action_id, post_id, comment_id],
        )
        await self._set_hidden(comment_id, action_id, 0)
        return replies

    async def unhide(self, comment_id: CommentId, post_id: PostId, action_id: ActionId) -> int:
        """Show a comment again, with the replies that one action hid; return the number of those that count now."""
        hidden = Condition("c.hidden_by_id = ? AND c.pending = 0", (action_id,))
        replies = await self._count_replies(comment_id, post_id, hidden)
        await self._database.execute(
            "UPDATE comments SET hidden_by_id = NULL WHERE post_id = ? AND parent_id = ? AND hidden_by_id = ?",
            [post_id, comment_id, action_id],
        )
        await self._set_hidden(comment_id, None, replies)
        return replies

    async def set_hider(self, comment_id: CommentId, action_id: ActionId) -> None:
        """Record that another action hides a reply: the one that hides its thread."""
        await self._set_hidden(comment_id, action_id, 0)

    async def approve(self, comment_id: CommentId) -> None:
        await self._database.execute("UPDATE comments SET pending = 0 WHERE id = ?", [comment_id])

    async def hold(self, comment_id: CommentId, post_id: PostId) -> int:
        """Make a comment and its replies pending, and unpin it; return the number of replies that were counted."""
        replies = await self._count_replies(comment_id, post_id, COUNTED)
        await self._database.execute(
            "UPDATE comments SET pending = 1 WHERE post_id = ? AND parent_id = ?", [post_id, comment_id]
        )
        await self._database.execute(
            "UPDATE comments SET pending = 1, replies_count = 0, pinned_at_ms = NULL WHERE id = ?",
            [comment_id],
        )
        return replies

    async def delete(self, comment_id: CommentId) -> bool:
        """Return whether there was such a comment."""
        return await self._database.execute("DELETE FROM comments WHERE id = ?", [comment_id]) > 0

    async def _count_replies(self, comment_id: CommentId, post_id: PostId, condition: Condition) -> int:
        rows = await self._database.rows(
            f"SELECT COUNT(*) AS n FROM comments c WHERE c.post_id = ? AND c.parent_id = ? AND {condition.sql}",
            [post_id, comment_id, *condition.parameters],
        )
        return rows[0]["n"]

    async def _set_hidden(
        self, comment_id: CommentId, action_id: ActionId | None, replies_count: int
    ) -> None:
        await self._database.execute(
            "UPDATE comments SET hidden_by_id = ?, replies_count = ?, pinned_at_ms = NULL WHERE id = ?",
            [action_id, replies_count, comment_id],
        )

    async def _get(
        self, comment_id: CommentId, post_id: PostId, condition: Condition, suffix: str = ""
    ) -> CommentRow | None:
        rows = await self._database.rows(
            f"SELECT {ROW} FROM comments c WHERE c.id = ? AND c.post_id = ? AND {condition.sql}{suffix}",
            [comment_id, post_id, *condition.parameters],
        )
        return _row(rows[0]) if rows else None


def _row(row: Mapping[str, Any]) -> CommentRow:
    return CommentRow(
        CommentId(row["id"]),
        UserId(row["author_id"]),
        row["parent_id"],
        row["hidden_by_id"],
        bool(row["pending"]),
        row["likes_count"],
    )
