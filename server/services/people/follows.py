"""Follows: who follows whom, and the counters of both. Whom one means may be given by id or by user name."""

from server.errors import Forbidden
from server.events import CacheKey, UserFollowed, UserUnfollowed
from server.ids import UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.database import Database
from server.models.people.follows import FollowTable
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import resolve_user_id, user_not_found
from server.services.records import FollowState, UserCard


class Follows:
    def __init__(self, database: Database, unit_of_work: UnitOfWork, cards: Cards) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._cards = cards

    async def follow(self, follower_id: UserId, followee: UserId | str) -> FollowState:
        """Follow somebody; again changes nothing. Raises NotFound, Forbidden for oneself."""
        followee_id = await resolve_user_id(self._database, followee)
        if follower_id == followee_id:
            raise Forbidden("You cannot follow yourself.", code="own_account")

        async def body(work: WorkContext) -> FollowState:
            count = await self._lock(follower_id, followee_id)
            if await FollowTable.filter(follower_id=follower_id, followee_id=followee_id).exists():
                return FollowState(True, count)
            await FollowTable.create(id=work.new_id(), follower_id=follower_id, followee_id=followee_id)
            await self._count(follower_id, followee_id, +1)
            work.emit(UserFollowed(follower_id, followee_id))
            return FollowState(True, count + 1)

        return await self._unit_of_work.run(body, changes=(CacheKey("feed", follower_id),))

    async def unfollow(self, follower_id: UserId, followee: UserId | str) -> FollowState:
        """Follow somebody no longer; without a follow it changes nothing. Raises NotFound."""
        followee_id = await resolve_user_id(self._database, followee)

        async def body(work: WorkContext) -> FollowState:
            count = await self._lock(follower_id, followee_id)
            if not await FollowTable.filter(follower_id=follower_id, followee_id=followee_id).delete():
                return FollowState(False, count)
            await self._count(follower_id, followee_id, -1)
            work.emit(UserUnfollowed(follower_id, followee_id))
            return FollowState(False, count - 1)

        return await self._unit_of_work.run(body, changes=(CacheKey("feed", follower_id),))

    async def followers(self, user: UserId | str, request: PageRequest) -> Page[UserCard]:
        """Who follows somebody, the newest follow first. Raises NotFound."""
        return await self._page("f.follower_id", "f.followee_id", user, request)

    async def following(self, user: UserId | str, request: PageRequest) -> Page[UserCard]:
        """Whom somebody follows, the newest follow first. Raises NotFound."""
        return await self._page("f.followee_id", "f.follower_id", user, request)

    async def _page(self, shown: str, of: str, user: UserId | str, request: PageRequest) -> Page[UserCard]:
        user_id = await resolve_user_id(self._database, user)
        rows = await self._database.rows(
            f"SELECT f.id, {USER_COLUMNS} FROM follows f JOIN users u ON u.id = {shown}"
            f" WHERE {of} = ? AND f.id < ? ORDER BY f.id DESC LIMIT ?",
            [user_id, request.before_id, request.limit + 1],
        )
        return cut(rows, request.limit, lambda row: row["id"]).map(
            lambda row: self._cards.user(UserCardRow.from_row(row))
        )

    async def _lock(self, follower_id: UserId, followee_id: UserId) -> int:
        """The followee's count of followers, with both rows ours until the commit; always in the order of ids."""
        rows = await self._database.rows(
            f"SELECT id, followers_count FROM users WHERE id IN (?, ?) ORDER BY id{self._database.for_update}",
            [follower_id, followee_id],
        )
        counts = {row["id"]: row["followers_count"] for row in rows}
        if followee_id not in counts:
            raise user_not_found()
        return counts[followee_id]

    async def _count(self, follower_id: UserId, followee_id: UserId, change: int) -> None:
        changes = {
            follower_id: "UPDATE users SET following_count = following_count + ? WHERE id = ?",
            followee_id: "UPDATE users SET followers_count = followers_count + ? WHERE id = ?",
        }
        for user_id in sorted(changes):
            await self._database.execute(changes[user_id], [change, user_id])
