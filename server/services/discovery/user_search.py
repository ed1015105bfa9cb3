"""Search for users: the exact name, then users that the viewer follows, then others by popularity."""

from collections.abc import Sequence

from server.ids import UserId
from server.models.accounts.user_cards import UserCardRow
from server.models.accounts.users import UserRepository
from server.models.conditions import Column, Condition
from server.models.discovery.search_terms import SearchKind, SearchTermRepository
from server.models.discovery.searched_users import SearchedUserRepository
from server.paging import Page
from server.services.accounts.usernames import normalize
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.discovery.followees import Followees
from server.services.discovery.name_results import Lead, NameResults
from server.services.discovery.name_walk import NameWalk
from server.services.discovery.search_queries import NameQuery
from server.services.records import RelatedUser


class _VisibleUsers:
    """Reads the users that a viewer may see, and keeps their cards."""

    def __init__(self, users: SearchedUserRepository, visible: Condition) -> None:
        self._users = users
        self._visible = visible
        self.cards: dict[int, UserCardRow] = {}

    async def read(self, user_ids: Sequence[int]) -> list[int]:
        found = await self._users.list_visible([UserId(each) for each in user_ids], self._visible)
        self.cards |= found
        return [user_id for user_id in user_ids if user_id in found]


class UserSearch:
    def __init__(
        self,
        users: UserRepository,
        searched: SearchedUserRepository,
        terms: SearchTermRepository,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._users = users
        self._searched = searched
        self._followees = Followees(searched)
        self._walk = NameWalk(terms, SearchKind.USER)
        self._cards = cards
        self._visibility = visibility

    async def complete(self, viewer_id: UserId, prefix: str, limit: int) -> list[RelatedUser]:
        """Return users of whose username or full name a word begins with `prefix`, for a list while typing."""
        visible = self._visible_to(viewer_id)
        query = NameQuery.of(prefix, inside=False)
        results = NameResults(self._walk, query, await self._lead(viewer_id, query, prefix), visible.read)
        return await self._relate(viewer_id, visible, await results.first(limit))

    async def search(
        self, viewer_id: UserId, text: str, limit: int, cursor: str | None = None
    ) -> Page[RelatedUser]:
        """Return users whose username or full name has the text, or has it but for one character if none has.

        Raises InvalidInput for a cursor of another search.
        """
        visible = self._visible_to(viewer_id)
        query = NameQuery.of(text)
        results = NameResults(self._walk, query, await self._lead(viewer_id, query, text), visible.read)
        shown, more = await results.page(f"users {normalize(text)}", limit, cursor)
        return Page(await self._relate(viewer_id, visible, shown), more)

    def _visible_to(self, viewer_id: UserId) -> _VisibleUsers:
        return _VisibleUsers(self._searched, self._visibility.users(viewer_id, Column("u.id")))

    async def _relate(
        self, viewer_id: UserId, visible: _VisibleUsers, user_ids: Sequence[int]
    ) -> list[RelatedUser]:
        return await self._cards.relate(viewer_id, [visible.cards[user_id] for user_id in user_ids])

    async def _lead(self, viewer_id: UserId, query: NameQuery, text: str) -> list[Lead]:
        """Return the user with exactly this name, and the matching followees of the viewer."""
        if not query.sections:
            return []
        lead: list[Lead] = []
        for section, each in (await self._followees.list_by(viewer_id)).find(query):
            lead.append(Lead(1 + section, int(not each.mutual), each.tier, each.user_id))
        exact = await self._users.find_id(normalize(text.strip().lstrip("@＠")))
        if exact is not None:
            lead = [Lead(0, 0, 0, exact), *(each for each in lead if each.subject_id != exact)]
        return sorted(lead)
