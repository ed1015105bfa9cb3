"""Table `likes`: one row per user and liked post."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import PostId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import Column, Condition
from server.models.content.posts import POST_COLUMNS, ListedPost, PostRow, post_row
from server.models.database import Database, placeholders

# The name that the index on (user_id, id) has in the migrations.
BY_USER = "idx_likes_user_id_776323"


class LikeTable(Model):
    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "likes"
        unique_together = (("user_id", "post_id"),)
        indexes = (("post_id", "id"), ("user_id", "id"))


@dataclass(frozen=True, slots=True)
class LockedLike:
    """A locked post, and the id of its like by a user; None without a like."""

    user_id: UserId
    like_id: int | None
    post: PostRow


@dataclass(frozen=True, slots=True)
class LikeRow:
    id: int
    user: UserCardRow


class LikeRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(
        self, pairs: Sequence[tuple[UserId, PostId]], visible: Callable[[Column], Condition]
    ) -> list[LockedLike]:
        """Lock posts, and the likes of them by users, until the commit; leave out posts that their user may not see.

        `pairs` are different users and posts, in the order of the posts. `visible` is the condition on `posts p` for a
        viewer. The like is read after its post is locked, so it is the newest state.
        """
        seen = visible(Column("v.user_id"))
        wanted = " UNION ALL ".join(["SELECT ? AS user_id, ? AS post_id"] * len(pairs))
        rows = await self._database.rows(
            f"SELECT v.user_id, l.id AS like_id, {POST_COLUMNS} FROM ({wanted}) v"
            f" {self._database.join_in_order} posts p ON p.id = v.post_id"
            f" LEFT JOIN likes l ON l.user_id = v.user_id AND l.post_id = v.post_id"
            f" WHERE {seen.sql}{self._database.for_update}",
            [*(id_ for pair in pairs for id_ in pair), *seen.parameters],
        )
        return [LockedLike(UserId(row["user_id"]), row["like_id"], post_row(row)) for row in rows]

    async def insert(self, likes: Sequence[tuple[int, UserId, PostId]]) -> None:
        """Insert likes: id, user and post."""
        await self._database.execute(
            f"INSERT INTO likes (id, user_id, post_id) VALUES {', '.join(['(?, ?, ?)'] * len(likes))}",
            [value for like in likes for value in like],
        )

    async def delete(self, like_ids: Sequence[int]) -> None:
        """Delete likes that exist."""
        await self._database.execute(
            f"DELETE FROM likes WHERE id IN ({placeholders(len(like_ids))})", list(like_ids)
        )

    async def delete_by_user(self, user_id: UserId, post_id: PostId) -> bool:
        """Return whether there was such a like."""
        return bool(
            await self._database.execute(
                "DELETE FROM likes WHERE user_id = ? AND post_id = ?", [user_id, post_id]
            )
        )

    async def list_by_post(
        self, post_id: PostId, visible: Condition, before_id: int, limit: int
    ) -> list[LikeRow]:
        """Return the likes of a post by users `u` that satisfy `visible`, newest first."""
        rows = await self._database.list_rows(
            f"SELECT l.id, {USER_COLUMNS} FROM likes l JOIN users u ON u.id = l.user_id"
            f" WHERE l.post_id = ? AND l.id < ? AND {visible.sql} ORDER BY l.id DESC LIMIT ?",
            [post_id, before_id, *visible.parameters, limit],
        )
        return [LikeRow(row["id"], UserCardRow.from_row(row)) for row in rows]

    async def list_by_user(
        self, user_id: UserId, visible: Condition, before_id: int, limit: int
    ) -> list[ListedPost]:
        """Return the posts `p` that a user likes and that satisfy `visible`, newest like first."""
        rows = await self._database.list_rows(
            f"SELECT l.id, l.post_id FROM likes l{self._database.force_index(BY_USER)} JOIN posts p ON p.id = l.post_id"
            f" WHERE l.user_id = ? AND l.id < ? AND {visible.sql} ORDER BY l.id DESC LIMIT ?",
            [user_id, before_id, *visible.parameters, limit],
        )
        return [ListedPost(row["id"], PostId(row["post_id"])) for row in rows]
