"""Table `comments`: comments on posts; a reply names its parent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import CommentId, PostId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import ALL, Condition
from server.models.content.stored_mentions import pack_mentions, unpack_mentions
from server.models.database import Database


class CommentTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    author_id: int
    author = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    parent_id: fields.Field[int | None] = fields.BigIntField(null=True)
    content = fields.TextField()
    mentions = fields.TextField(null=True)
    replies_count = fields.IntField(default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "comments"
        indexes = (("post_id", "parent_id", "id"),)


@dataclass(frozen=True, slots=True)
class NewComment:
    id: CommentId
    post_id: PostId
    author_id: UserId
    parent_id: CommentId | None
    content: str
    mentions: Mapping[str, UserId]


@dataclass(frozen=True, slots=True)
class CommentRow:
    """A comment without its text."""

    id: CommentId
    author_id: UserId
    parent_id: CommentId | None


@dataclass(frozen=True, slots=True)
class CommentTextRow:
    """A comment with its text and without its author's card."""

    post_id: PostId
    author_id: UserId
    content: str


@dataclass(frozen=True, slots=True)
class CommentCardRow:
    """A comment with its author."""

    id: CommentId
    post_id: PostId
    parent_id: CommentId | None
    content: str
    mentions: dict[str, UserId]
    replies_count: int
    author: UserCardRow


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
        )

    async def get(
        self, comment_id: CommentId, post_id: PostId, visible: Condition = ALL
    ) -> CommentRow | None:
        """Return the comment `c` if it belongs to this post and satisfies `visible`."""
        rows = await self._database.rows(
            f"SELECT c.id, c.author_id, c.parent_id FROM comments c WHERE c.id = ? AND c.post_id = ? AND {visible.sql}",
            [comment_id, post_id, *visible.parameters],
        )
        return CommentRow(**rows[0]) if rows else None

    async def find_text(self, comment_id: CommentId, visible: Condition) -> CommentTextRow | None:
        """Return the comment `c` of any post if it satisfies `visible`."""
        rows = await self._database.rows(
            f"SELECT c.post_id, c.author_id, c.content FROM comments c WHERE c.id = ? AND {visible.sql}",
            [comment_id, *visible.parameters],
        )
        return CommentTextRow(**rows[0]) if rows else None

    async def get_card(self, comment_id: CommentId) -> CommentCardRow | None:
        cards = await self._cards("c.id = ?", [comment_id], 1, ALL)
        return cards[0] if cards else None

    async def list_by_post(
        self, post_id: PostId, visible: Condition, before_id: int, limit: int
    ) -> list[CommentCardRow]:
        """Return comments `c` that are not replies and satisfy `visible`, newest first."""
        return await self._cards(
            "c.post_id = ? AND c.parent_id IS NULL AND c.id < ?", [post_id, before_id], limit, visible
        )

    async def list_by_author(self, post_id: PostId, author_id: UserId, limit: int) -> list[CommentRow]:
        """Return comments of one user on a post, replies included, in no particular order."""
        rows = await self._database.rows(
            "SELECT id, author_id, parent_id FROM comments WHERE author_id = ? AND post_id = ? LIMIT ?",
            [author_id, post_id, limit],
        )
        return [CommentRow(**row) for row in rows]

    async def list_replies(
        self, post_id: PostId, parent_id: CommentId, visible: Condition, before_id: int, limit: int
    ) -> list[CommentCardRow]:
        """Return replies `c` to a comment that satisfy `visible`, newest first."""
        return await self._cards(
            "c.post_id = ? AND c.parent_id = ? AND c.id < ?", [post_id, parent_id, before_id], limit, visible
        )

    async def change_replies_count(self, comment_id: CommentId, change: int) -> None:
        await self._database.execute(
            "UPDATE comments SET replies_count = replies_count + ? WHERE id = ?", [change, comment_id]
        )

    async def delete_replies(self, comment_id: CommentId, post_id: PostId) -> int:
        """Return the number of deleted replies."""
        return await self._database.execute(
            "DELETE FROM comments WHERE post_id = ? AND parent_id = ?", [post_id, comment_id]
        )

    async def delete(self, comment_id: CommentId) -> bool:
        """Return whether there was such a comment."""
        return await self._database.execute("DELETE FROM comments WHERE id = ?", [comment_id]) > 0

    async def _cards(
        self, where: str, parameters: list[Any], limit: int, visible: Condition
    ) -> list[CommentCardRow]:
        rows = await self._database.rows(
            f"SELECT c.id, c.post_id, c.parent_id, c.content, c.mentions, c.replies_count, {USER_COLUMNS}"
            f" FROM comments c JOIN users u ON u.id = c.author_id WHERE {where} AND {visible.sql}"
            " ORDER BY c.id DESC LIMIT ?",
            [*parameters, *visible.parameters, limit],
        )
        return [
            CommentCardRow(
                CommentId(row["id"]),
                PostId(row["post_id"]),
                row["parent_id"],
                row["content"],
                unpack_mentions(row["mentions"]),
                row["replies_count"],
                UserCardRow.from_row(row),
            )
            for row in rows
        ]
