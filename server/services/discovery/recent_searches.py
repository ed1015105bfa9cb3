"""Recent searches: what a user searched for, kept until the user clears it."""

from dataclasses import dataclass
from functools import partial

from server.ids import RecentSearchId, UserId
from server.models.discovery.recent_searches import RecentSearchRepository
from server.paging import Page, PageRequest, cut
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

MAX_KEPT = 50


@dataclass(frozen=True, slots=True)
class RecentSearch:
    """A text that the user searched for; the id contains the time."""

    id: RecentSearchId
    text: str


class RecentSearches:
    def __init__(self, searches: RecentSearchRepository, unit_of_work: UnitOfWork) -> None:
        self._searches = searches
        self._unit_of_work = unit_of_work

    async def keep(self, user_id: UserId, text: str) -> RecentSearch:
        """Put a text first; it is kept once. Only the last 50 stay."""
        return await self._unit_of_work.run(partial(self._keep, user_id, text))

    async def list_page(self, user_id: UserId, request: PageRequest) -> Page[RecentSearch]:
        """Return what the user searched for, newest first."""
        rows = await self._searches.list_by_user(user_id, request.before_id, request.limit + 1)
        return cut([RecentSearch(row.id, row.text) for row in rows], request.limit, lambda each: each.id)

    async def remove(self, user_id: UserId, search_id: RecentSearchId) -> None:
        """Remove one of the user's recent searches; nothing happens if there is none."""
        await self._searches.delete(user_id, search_id)

    async def clear(self, user_id: UserId) -> None:
        """Remove all recent searches of the user."""
        await self._searches.clear(user_id)

    async def _keep(self, user_id: UserId, text: str, work: WorkContext) -> RecentSearch:
        kept = RecentSearch(RecentSearchId(work.new_id()), text)
        await self._searches.delete_text(user_id, text)
        await self._searches.insert(kept.id, user_id, text)
        await self._searches.delete_beyond(user_id, MAX_KEPT)
        return kept
