"""Close friends: the users who see one's posts for close friends. Only the owner sees the list; it notifies no user."""

from functools import partial

from server.events import CacheKey, CloseFriendsChanged
from server.ids import UserId
from server.models.conditions import Column
from server.models.people.close_friends import CloseFriendRepository
from server.models.people.profiles import ProfileRepository
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import UserLookup
from server.services.records import RelatedUser


class CloseFriends:
    """A change drops the friend's cached feed, which says whose close friend its reader is."""

    def __init__(
        self,
        close_friends: CloseFriendRepository,
        profiles: ProfileRepository,
        lookup: UserLookup,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._close_friends = close_friends
        self._profiles = profiles
        self._lookup = lookup
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility

    async def add(self, owner_id: UserId, user: UserId | str) -> None:
        """Add a user to the list; a second time changes nothing. Raises NotFound, and InvalidInput for oneself."""
        friend_id = await self._lookup.resolve_other(owner_id, user)
        await self._unit_of_work.run(
            partial(self._add, owner_id, friend_id), changes=(CacheKey("feed", friend_id),)
        )

    async def remove(self, owner_id: UserId, user: UserId | str) -> None:
        """Remove a user from the list; one who is not on it changes nothing. Raises NotFound."""
        friend_id = await self._lookup.resolve(owner_id, user)

        async def remove(work: WorkContext) -> None:
            if await self._close_friends.delete(owner_id, friend_id):
                work.emit(CloseFriendsChanged(owner_id, friend_id))

        await self._unit_of_work.run(remove, changes=(CacheKey("feed", friend_id),))

    async def list_friends(self, owner_id: UserId, request: PageRequest) -> Page[RelatedUser]:
        """Return the close friends of a user, newest first."""
        visible = self._visibility.users(owner_id, Column("u.id"))
        rows = await self._close_friends.list_targets(owner_id, request.before_id, request.limit + 1, visible)
        return await self._cards.cut_related(owner_id, rows, request.limit)

    async def _add(self, owner_id: UserId, friend_id: UserId, work: WorkContext) -> None:
        await self._profiles.lock_pair(owner_id, friend_id)
        if not await self._close_friends.exists(owner_id, friend_id):
            await self._close_friends.insert(work.new_id(), owner_id, friend_id)
            work.emit(CloseFriendsChanged(owner_id, friend_id))
