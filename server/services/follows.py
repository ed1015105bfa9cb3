"""Follows: who follows whom, and the counters of both."""

from server.errors import InvalidInput, NotFound
from server.events import UserFollowed, UserUnfollowed
from server.gateways.touches import Subject
from server.ids import UserId
from server.models.database import Database
from server.models.follows import Follow
from server.services.records import FollowState
from server.services.unit_of_work import UnitOfWork, Work


class Follows:
    def __init__(self, database: Database, unit_of_work: UnitOfWork) -> None:
        self._database = database
        self._unit_of_work = unit_of_work

    async def follow(self, follower_id: UserId, followee_id: UserId) -> FollowState:
        """Follow somebody; again changes nothing. Raises NotFound, InvalidInput for oneself."""
        if follower_id == followee_id:
            raise InvalidInput("You cannot follow yourself.", code="own_account")

        async def body(work: Work) -> FollowState:
            count = await self._lock(follower_id, followee_id)
            if await Follow.filter(follower_id=follower_id, followee_id=followee_id).exists():
                return FollowState(True, count)
            await Follow.create(id=work.new_id(), follower_id=follower_id, followee_id=followee_id)
            await self._count(follower_id, followee_id, +1)
            work.emit(UserFollowed(follower_id, followee_id))
            return FollowState(True, count + 1)

        return await self._unit_of_work.run(body, changes=(Subject("feed", follower_id),))

    async def unfollow(self, follower_id: UserId, followee_id: UserId) -> FollowState:
        """Follow somebody no longer; without a follow it changes nothing. Raises NotFound."""

        async def body(work: Work) -> FollowState:
            count = await self._lock(follower_id, followee_id)
            if not await Follow.filter(follower_id=follower_id, followee_id=followee_id).delete():
                return FollowState(False, count)
            await self._count(follower_id, followee_id, -1)
            work.emit(UserUnfollowed(follower_id, followee_id))
            return FollowState(False, count - 1)

        return await self._unit_of_work.run(body, changes=(Subject("feed", follower_id),))

    async def _lock(self, follower_id: UserId, followee_id: UserId) -> int:
        """The followee's count of followers, with both rows ours until the commit; always in the order of ids."""
        rows = await self._database.rows(
            f"SELECT id, followers_count FROM users WHERE id IN (?, ?) ORDER BY id{self._database.for_update}",
            [follower_id, followee_id],
        )
        counts = {row["id"]: row["followers_count"] for row in rows}
        if followee_id not in counts:
            raise NotFound("There is no such user.")
        return counts[followee_id]

    async def _count(self, follower_id: UserId, followee_id: UserId, change: int) -> None:
        changes = {
            follower_id: "UPDATE users SET following_count = following_count + ? WHERE id = ?",
            followee_id: "UPDATE users SET followers_count = followers_count + ? WHERE id = ?",
        }
        for user_id in sorted(changes):
            await self._database.execute(changes[user_id], [change, user_id])
