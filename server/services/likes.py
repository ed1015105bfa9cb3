"""Likes: who likes which post, and the post's counter of them."""

from server.events import PostLiked
from server.ids import PostId, UserId
from server.models.database import Database
from server.models.likes import Like
from server.services.records import LikeState
from server.services.unit_of_work import UnitOfWork, Work
from server.services.visibility import Visibility


class Likes:
    def __init__(self, database: Database, unit_of_work: UnitOfWork, visibility: Visibility) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._visibility = visibility

    async def like(self, actor_id: UserId, post_id: PostId) -> LikeState:
        """Like a post; a second like changes nothing. Raises NotFound."""

        async def body(work: Work) -> LikeState:
            author_id, count = await self._lock(actor_id, post_id)
            if await Like.filter(user_id=actor_id, post_id=post_id).exists():
                return LikeState(True, count)
            await Like.create(id=work.new_id(), user_id=actor_id, post_id=post_id)
            await self._count(post_id, +1)
            work.emit(PostLiked(post_id, author_id, actor_id))
            return LikeState(True, count + 1)

        return await self._unit_of_work.run(body)

    async def unlike(self, actor_id: UserId, post_id: PostId) -> LikeState:
        """Take a like back; without one it changes nothing. Raises NotFound."""

        async def body(work: Work) -> LikeState:
            _author_id, count = await self._lock(actor_id, post_id)
            if not await Like.filter(user_id=actor_id, post_id=post_id).delete():
                return LikeState(False, count)
            await self._count(post_id, -1)
            return LikeState(False, count - 1)

        return await self._unit_of_work.run(body)

    async def _lock(self, actor_id: UserId, post_id: PostId) -> tuple[UserId, int]:
        """Author and count of a post whose row is ours until the commit.

        The lock comes before the like is inserted: its foreign key would take a shared lock on the post, and two
        likers holding that would deadlock at the counter.
        """
        row = await self._visibility.post(actor_id, post_id, lock=True)
        return UserId(row["author_id"]), row["likes_count"]

    async def _count(self, post_id: PostId, change: int) -> None:
        await self._database.execute(
            "UPDATE posts SET likes_count = likes_count + ?, revision = revision + 1 WHERE id = ?",
            [change, post_id],
        )
