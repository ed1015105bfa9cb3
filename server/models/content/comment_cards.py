"""Comments as clients see them, with their authors, read in one statement per list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.ids import CommentId, PostId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import ALL, Column, Condition, bind
from server.models.content.comments import BY_AUTHOR, NOT_HIDDEN
from server.models.content.stored_mentions import unpack_mentions
from server.models.database import Database, placeholders
from server.models.people.relationships import RelationshipRow, relationship_columns

# More than a post can have.
MAX_LISTED_PINS = 10
LIKED = "EXISTS(SELECT 1 FROM comment_likes l WHERE l.comment_id = c.id AND l.user_id = {})"


@dataclass(frozen=True, slots=True)
class CommentCardRow:
    """A comment with its author and the viewer's relationship to the author; `liked` is true if the viewer likes it."""

    id: CommentId
    post_id: PostId
    parent_id: CommentId | None
    content: str
    mentions: dict[str, UserId]
    replies_count: int
    likes_count: int
    edited_at_ms: int | None
    pending: bool
    pinned: bool
    liked: bool
    author: UserCardRow
    relationship: RelationshipRow


class CommentCardRepository:
    """Leaves out what moderators hid."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, comment_id: CommentId) -> CommentCardRow | None:
        """Return a comment as its author sees it."""
        cards = await self._cards("c.id = ?", [comment_id], 1, ALL, Column("c.author_id"))
        return cards[0] if cards else None

    async def find(
        self, comment_id: CommentId, post_id: PostId, viewer_id: UserId, visible: Condition
    ) -> CommentCardRow | None:
        """Return the comment `c` if it belongs to this post and satisfies `visible`."""
        where = "c.id = ? AND c.post_id = ?"
        cards = await self._cards(where, [comment_id, post_id], 1, visible, viewer_id)
        return cards[0] if cards else None

    async def list_by_post(
        self,
        post_id: PostId,
        viewer_id: UserId,
        visible: Condition,
        before_id: int,
        limit: int,
        without: Sequence[int] = (),
    ) -> list[CommentCardRow]:
        """Return comments `c` that are not replies and satisfy `visible`, newest first, but for some ids."""
        excluded = f" AND c.id NOT IN ({placeholders(len(without))})" if without else ""
        return await self._cards(
            f"c.post_id = ? AND c.parent_id IS NULL AND c.id < ?{excluded}",
            [post_id, before_id, *without],
            limit,
            visible,
            viewer_id,
        )

    async def list_pinned(
        self, post_id: PostId, viewer_id: UserId, visible: Condition
    ) -> list[CommentCardRow]:
        """Return pinned comments `c` that satisfy `visible`, the one that was pinned last first."""
        return await self._cards(
            "c.post_id = ? AND c.pinned_at_ms IS NOT NULL",
            [post_id],
            MAX_LISTED_PINS,
            visible,
            viewer_id,
            order="c.pinned_at_ms DESC, c.id DESC",
        )

    async def list_replies(
        self,
        post_id: PostId,
        parent_id: CommentId,
        viewer_id: UserId,
        visible: Condition,
        after_id: int,
        limit: int,
    ) -> list[CommentCardRow]:
        """Return replies `c` to a comment that satisfy `visible`, oldest first."""
        return await self._cards(
            "c.post_id = ? AND c.parent_id = ? AND c.id > ?",
            [post_id, parent_id, after_id],
            limit,
            visible,
            viewer_id,
            order="c.id",
        )

    async def list_own(
        self, author_id: UserId, visible_posts: Condition, before_id: int, limit: int
    ) -> list[CommentCardRow]:
        """Return comments and replies of a user on posts `p` that satisfy `visible_posts`, newest first."""
        return await self._cards(
            "c.author_id = ? AND c.id < ?",
            [author_id, before_id],
            limit,
            visible_posts,
            author_id,
            join=" JOIN posts p ON p.id = c.post_id",
            hint=self._database.force_index(BY_AUTHOR),
        )

    async def _cards(
        self,
        where: str,
        parameters: list[Any],
        limit: int,
        visible: Condition,
        viewer: UserId | Column,
        order: str = "c.id DESC",
        join: str = "",
        hint: str = "",
    ) -> list[CommentCardRow]:
        related, liked = relationship_columns(viewer, Column("c.author_id")), bind(LIKED, viewer)
        rows = await self._database.rows(
            "SELECT c.id, c.post_id, c.parent_id, c.content, c.mentions, c.replies_count, c.likes_count,"
            " c.edited_at_ms, c.pending, c.pinned_at_ms IS NOT NULL AS pinned,"
            f" {USER_COLUMNS}, {related.sql}, {liked.sql} AS liked"
            f" FROM comments c{hint} JOIN users u ON u.id = c.author_id{join}"
            f" WHERE {where} AND {NOT_HIDDEN.sql} AND {visible.sql} ORDER BY {order} LIMIT ?",
            [*related.parameters, *liked.parameters, *parameters, *visible.parameters, limit],
        )
        return [_card(row) for row in rows]


def _card(row: Mapping[str, Any]) -> CommentCardRow:
    return CommentCardRow(
        id=CommentId(row["id"]),
        post_id=PostId(row["post_id"]),
        parent_id=row["parent_id"],
        content=row["content"],
        mentions=unpack_mentions(row["mentions"]),
        replies_count=row["replies_count"],
        likes_count=row["likes_count"],
        edited_at_ms=row["edited_at_ms"],
        pending=bool(row["pending"]),
        pinned=bool(row["pinned"]),
        liked=bool(row["liked"]),
        author=UserCardRow.from_row(row),
        relationship=RelationshipRow.from_row(row),
    )
