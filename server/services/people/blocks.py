"""Blocks: two users, one of whom blocked the other, do not see each other's posts, comments, likes and follows."""

from functools import partial

from server.events import UserBlocked, UserUnblocked
from server.ids import UserId
from server.models.conditions import Column
from server.models.people.blocks import BlockRepository
from server.models.people.close_friends import CloseFriendRepository
from server.models.people.profiles import ProfileRepository
from server.models.people.visibility import unblocked_users
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.follows import Follows, feeds_of
from server.services.people.user_lookup import UserLookup
from server.services.records import RelatedUser


class Blocks:
    def __init__(
        self,
        blocks: BlockRepository,
        close_friends: CloseFriendRepository,
        profiles: ProfileRepository,
        follows: Follows,
        lookup: UserLookup,
        unit_of_work: UnitOfWork,
        cards: Cards,
    ) -> None:
        self._blocks = blocks
        self._close_friends = close_friends
        self._profiles = profiles
        self._follows = follows
        self._lookup = lookup
        self._unit_of_work = unit_of_work
        self._cards = cards

    async def block(self, blocker_id: UserId, user: UserId | str) -> None:
        """Block a user, and end follows, requests and close friendship between the two; a second block changes nothing.

        Raises NotFound, and InvalidInput for oneself.
        """
        blocked_id = await self._lookup.resolve_other(blocker_id, user)
        await self._unit_of_work.run(
            partial(self._block, blocker_id, blocked_id), changes=feeds_of(blocker_id, blocked_id)
        )

    async def unblock(self, blocker_id: UserId, user: UserId | str) -> None:
        """Remove a block; without one nothing changes. Follows do not return.

        Raises NotFound for a user whose profile is hidden from this one, unless there is a block to remove.
        """
        blocked_id = await self._lookup.find_id(user)
        if blocked_id is None or not await self._blocks.exists(blocker_id, blocked_id):
            blocked_id = await self._lookup.resolve(blocker_id, user)

        async def unblock(work: WorkContext) -> None:
            if await self._blocks.delete(blocker_id, blocked_id):
                work.emit(UserUnblocked(blocker_id, blocked_id))

        await self._unit_of_work.run(unblock, changes=feeds_of(blocker_id, blocked_id))

    async def list_blocked(self, user_id: UserId, request: PageRequest) -> Page[RelatedUser]:
        """Return the users that the user has blocked, newest block first, without those whose profile is hidden."""
        visible = unblocked_users(user_id, Column("u.id"))
        rows = await self._blocks.list_targets(user_id, request.before_id, request.limit + 1, visible)
        return await self._cards.cut_related(user_id, rows, request.limit)

    async def _block(self, blocker_id: UserId, blocked_id: UserId, work: WorkContext) -> None:
        await self._profiles.lock_pair(blocker_id, blocked_id)
        if await self._blocks.exists(blocker_id, blocked_id):
            return
        await self._blocks.insert(work.new_id(), blocker_id, blocked_id)
        for one, other in ((blocker_id, blocked_id), (blocked_id, blocker_id)):
            await self._close_friends.delete(one, other)
            await self._follows.end_request(one, other, work)
            await self._follows.end_follow(one, other, work)
        work.emit(UserBlocked(blocker_id, blocked_id))
