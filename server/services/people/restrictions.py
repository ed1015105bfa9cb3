"""Restrictions: comments of a restricted user on one's posts are pending until approved. The user cannot tell."""

from functools import partial

from server.events import RestrictionChanged
from server.ids import UserId
from server.models.conditions import Column
from server.models.people.profiles import ProfileRepository
from server.models.people.restrictions import RestrictionRepository
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.follows import feeds_of
from server.services.people.user_lookup import UserLookup
from server.services.records import RelatedUser


class Restrictions:
    """A restriction concerns later comments; its end leaves pending ones pending."""

    def __init__(
        self,
        restrictions: RestrictionRepository,
        profiles: ProfileRepository,
        lookup: UserLookup,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._restrictions = restrictions
        self._profiles = profiles
        self._lookup = lookup
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility

    async def restrict(self, owner_id: UserId, user: UserId | str) -> None:
        """Restrict a user; a second time changes nothing. Raises NotFound, and InvalidInput for oneself."""
        restricted_id = await self._lookup.resolve_other(owner_id, user)
        await self._unit_of_work.run(
            partial(self._restrict, owner_id, restricted_id), changes=feeds_of(owner_id)
        )

    async def unrestrict(self, owner_id: UserId, user: UserId | str) -> None:
        """Remove a restriction; without one nothing changes. Raises NotFound."""
        restricted_id = await self._lookup.resolve(owner_id, user)

        async def unrestrict(work: WorkContext) -> None:
            if await self._restrictions.delete(owner_id, restricted_id):
                work.emit(RestrictionChanged(owner_id, restricted_id))

        await self._unit_of_work.run(unrestrict, changes=feeds_of(owner_id))

    async def list_restricted(self, owner_id: UserId, request: PageRequest) -> Page[RelatedUser]:
        """Return the users that the user has restricted, newest restriction first."""
        visible = self._visibility.users(owner_id, Column("u.id"))
        rows = await self._restrictions.list_targets(owner_id, request.before_id, request.limit + 1, visible)
        return await self._cards.cut_related(owner_id, rows, request.limit)

    async def _restrict(self, owner_id: UserId, restricted_id: UserId, work: WorkContext) -> None:
        await self._profiles.lock_pair(owner_id, restricted_id)
        if not await self._restrictions.exists(owner_id, restricted_id):
            await self._restrictions.insert(work.new_id(), owner_id, restricted_id)
            work.emit(RestrictionChanged(owner_id, restricted_id))
