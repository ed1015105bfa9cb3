"""Follows, and the counters of followers and followees. Users are given by id or username."""

from functools import partial

from server.errors import Forbidden
from server.events import CacheKey, UserFollowed, UserUnfollowed
from server.ids import UserId
from server.models.people.follows import FollowRepository, FollowRow
from server.models.people.profiles import ProfileRepository
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import UserLookup, user_not_found
from server.services.records import FollowState, UserCard


class Follows:
    def __init__(
        self,
        follows: FollowRepository,
        profiles: ProfileRepository,
        lookup: UserLookup,
        unit_of_work: UnitOfWork,
        cards: Cards,
    ) -> None:
        self._follows = follows
        self._profiles = profiles
        self._lookup = lookup
        self._unit_of_work = unit_of_work
        self._cards = cards

    async def follow(self, follower_id: UserId, followee: UserId | str) -> FollowState:
        """Follow a user; a second follow changes nothing. Raises NotFound, and Forbidden for oneself."""
        followee_id = await self._lookup.resolve(followee)
        if follower_id == followee_id:
            raise Forbidden("You cannot follow yourself.", code="own_account")
        return await self._unit_of_work.run(
            partial(self._follow, follower_id, followee_id), changes=(CacheKey("feed", follower_id),)
        )

    async def unfollow(self, follower_id: UserId, followee: UserId | str) -> FollowState:
        """Unfollow a user; without a follow nothing changes. Raises NotFound."""
        followee_id = await self._lookup.resolve(followee)
        return await self._unit_of_work.run(
            partial(self._unfollow, follower_id, followee_id), changes=(CacheKey("feed", follower_id),)
        )

    async def list_followers(self, user: UserId | str, request: PageRequest) -> Page[UserCard]:
        """Return who follows a user, newest follow first. Raises NotFound."""
        user_id = await self._lookup.resolve(user)
        rows = await self._follows.list_followers(user_id, request.before_id, request.limit + 1)
        return self._page(rows, request)

    async def list_following(self, user: UserId | str, request: PageRequest) -> Page[UserCard]:
        """Return the followees of a user, newest follow first. Raises NotFound."""
        user_id = await self._lookup.resolve(user)
        rows = await self._follows.list_following(user_id, request.before_id, request.limit + 1)
        return self._page(rows, request)

    async def _follow(self, follower_id: UserId, followee_id: UserId, work: WorkContext) -> FollowState:
        count = await self._lock(follower_id, followee_id)
        if await self._follows.exists(follower_id, followee_id):
            return FollowState(True, count)
        await self._follows.insert(work.new_id(), follower_id, followee_id)
        await self._profiles.change_follow_counts(follower_id, followee_id, +1)
        work.emit(UserFollowed(follower_id, followee_id))
        return FollowState(True, count + 1)

    async def _unfollow(self, follower_id: UserId, followee_id: UserId, work: WorkContext) -> FollowState:
        count = await self._lock(follower_id, followee_id)
        if not await self._follows.delete(follower_id, followee_id):
            return FollowState(False, count)
        await self._profiles.change_follow_counts(follower_id, followee_id, -1)
        work.emit(UserUnfollowed(follower_id, followee_id))
        return FollowState(False, count - 1)

    def _page(self, rows: list[FollowRow], request: PageRequest) -> Page[UserCard]:
        return cut(rows, request.limit, lambda row: row.id).map(lambda row: self._cards.user_card(row.user))

    async def _lock(self, follower_id: UserId, followee_id: UserId) -> int:
        """Lock both users until the commit and return the followee's number of followers."""
        count = await self._profiles.lock_followers_count(follower_id, followee_id)
        if count is None:
            raise user_not_found()
        return count
