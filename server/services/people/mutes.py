"""Mutes: a muted user's posts leave the feed and their activities no longer notify. Other users cannot tell."""

from functools import partial

from server.events import CacheKey, MuteChanged
from server.ids import UserId
from server.models.conditions import Column
from server.models.people.mutes import MuteRepository
from server.models.people.profiles import ProfileRepository
from server.models.people.visibility import unblocked_users
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import UserLookup
from server.services.records import RelatedUser


class Mutes:
    def __init__(
        self,
        mutes: MuteRepository,
        profiles: ProfileRepository,
        lookup: UserLookup,
        unit_of_work: UnitOfWork,
        cards: Cards,
    ) -> None:
        self._mutes = mutes
        self._profiles = profiles
        self._lookup = lookup
        self._unit_of_work = unit_of_work
        self._cards = cards

    async def mute(self, muter_id: UserId, user: UserId | str) -> None:
        """Mute a user; a second mute changes nothing. Raises NotFound, and InvalidInput for oneself."""
        muted_id = await self._lookup.resolve_other(muter_id, user)
        await self._unit_of_work.run(
            partial(self._mute, muter_id, muted_id), changes=(CacheKey("feed", muter_id),)
        )

    async def unmute(self, muter_id: UserId, user: UserId | str) -> None:
        """Remove a mute; without one nothing changes. Raises NotFound."""
        muted_id = await self._lookup.resolve(muter_id, user)

        async def unmute(work: WorkContext) -> None:
            if await self._mutes.delete(muter_id, muted_id):
                work.emit(MuteChanged(muter_id, muted_id))

        await self._unit_of_work.run(unmute, changes=(CacheKey("feed", muter_id),))

    async def list_muted(self, user_id: UserId, request: PageRequest) -> Page[RelatedUser]:
        """Return the users that the user has muted, newest mute first, without those whose profile is hidden."""
        visible = unblocked_users(user_id, Column("u.id"))
        rows = await self._mutes.list_targets(user_id, request.before_id, request.limit + 1, visible)
        return await self._cards.cut_related(user_id, rows, request.limit)

    async def _mute(self, muter_id: UserId, muted_id: UserId, work: WorkContext) -> None:
        await self._profiles.lock_pair(muter_id, muted_id)
        if not await self._mutes.exists(muter_id, muted_id):
            await self._mutes.insert(work.new_id(), muter_id, muted_id)
            work.emit(MuteChanged(muter_id, muted_id))
