"""Likes: who likes which post, and the post's counter of them."""

from collections.abc import Mapping
from typing import Any

from server.events import CacheKey, LikeChanged, PostChanged, PostLiked, PostUnliked
from server.ids import PostId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.content.likes import LikeTable
from server.models.database import Database
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import LikeState, UserCard


class Likes:
    def __init__(
        self, database: Database, unit_of_work: UnitOfWork, cards: Cards, visibility: Visibility
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility

    async def like(self, actor_id: UserId, post_id: PostId) -> LikeState:
        """Like a post; a second like changes nothing. Raises NotFound."""

        async def body(work: WorkContext) -> LikeState:
            post = await self._lock(actor_id, post_id)
            if await LikeTable.filter(user_id=actor_id, post_id=post_id).exists():
                return LikeState(True, post["likes_count"])
            await LikeTable.create(id=work.new_id(), user_id=actor_id, post_id=post_id)
            count = await self._count(work, post, actor_id, +1)
            work.emit(PostLiked(post_id, UserId(post["author_id"]), actor_id))
            return LikeState(True, count)

        return await self._unit_of_work.run(body, changes=_changed(actor_id, post_id))

    async def unlike(self, actor_id: UserId, post_id: PostId) -> LikeState:
        """Take a like back; without one it changes nothing. Raises NotFound."""

        async def body(work: WorkContext) -> LikeState:
            post = await self._lock(actor_id, post_id)
            if not await LikeTable.filter(user_id=actor_id, post_id=post_id).delete():
                return LikeState(False, post["likes_count"])
            work.emit(PostUnliked(post_id, UserId(post["author_id"]), actor_id))
            return LikeState(False, await self._count(work, post, actor_id, -1))

        return await self._unit_of_work.run(body, changes=_changed(actor_id, post_id))

    async def of_post(self, viewer_id: UserId, post_id: PostId, request: PageRequest) -> Page[UserCard]:
        """Who likes a post, the newest like first. Raises NotFound."""
        await self._visibility.post(viewer_id, post_id)
        rows = await self._database.rows(
            f"SELECT l.id, {USER_COLUMNS} FROM likes l JOIN users u ON u.id = l.user_id"
            " WHERE l.post_id = ? AND l.id < ? ORDER BY l.id DESC LIMIT ?",
            [post_id, request.before_id, request.limit + 1],
        )
        return cut(rows, request.limit, lambda row: row["id"]).map(
            lambda row: self._cards.user(UserCardRow.from_row(row))
        )

    async def _lock(self, actor_id: UserId, post_id: PostId) -> Mapping[str, Any]:
        """A post whose row is ours until the commit.

        The lock comes before the like is inserted: its foreign key would take a shared lock on the post, and two
        likers holding that would deadlock at the counter.
        """
        return await self._visibility.post(actor_id, post_id, lock=True)

    async def _count(self, work: WorkContext, post: Mapping[str, Any], actor_id: UserId, change: int) -> int:
        """Count a like more or less of a post that is locked; how many there are now."""
        post_id, count, revision = PostId(post["id"]), post["likes_count"] + change, post["revision"] + 1
        await self._database.execute(
            "UPDATE posts SET likes_count = ?, revision = ? WHERE id = ?", [count, revision, post_id]
        )
        work.emit(LikeChanged(post_id, actor_id, change > 0, revision))
        author_id, comments, edited = UserId(post["author_id"]), post["comments_count"], post["edited_at_ms"]
        work.emit(PostChanged(post_id, author_id, revision, count, comments, edited))
        return count


def _changed(actor_id: UserId, post_id: PostId) -> tuple[CacheKey, ...]:
    return CacheKey("post", post_id), CacheKey("likes", actor_id)
