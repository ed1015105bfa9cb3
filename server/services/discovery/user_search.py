"""Search for users: the exact name, then users that the viewer follows, then others by popularity."""

from collections.abc import Sequence

from server.batching import BatchingQueue
from server.ids import UserId
from server.models.accounts.users import UserRepository
from server.models.discovery.search_terms import SearchKind, SearchTermRepository
from server.models.discovery.searched_users import SearchedUserRepository
from server.paging import Page
from server.services.accounts.usernames import normalize
from server.services.content.related_users import RelatedUsers
from server.services.discovery.followees import Followees
from server.services.discovery.name_results import Lead, NameResults
from server.services.discovery.name_walk import NameWalk
from server.services.discovery.search_queries import NameQuery
from server.services.records import RelatedUser


class _VisibleUsers:
    """Reads the users that a viewer may see, and keeps them."""

    def __init__(self, viewer_id: UserId, users: RelatedUsers) -> None:
        self._viewer_id = viewer_id
        self._users = users
        self.found: dict[int, RelatedUser] = {}

    async def read(self, user_ids: Sequence[int]) -> list[int]:
        found = await self._users.list_visible(self._viewer_id, [UserId(each) for each in user_ids])
        self.found |= {user.card.id: user for user in found}
        return [user.card.id for user in found]


class UserSearch:
    def __init__(
        self,
        users: UserRepository,
        searched: SearchedUserRepository,
        terms: SearchTermRepository,
        related: RelatedUsers,
    ) -> None:
        self._users = users
        self._followees = Followees(searched)
        self._walk = NameWalk(terms, SearchKind.USER)
        self._related = related
        self._ids: BatchingQueue[str, UserId | None] = BatchingQueue(self._find_ids)

    async def complete(self, viewer_id: UserId, prefix: str, limit: int) -> list[RelatedUser]:
        """Return users of whose username or full name a word begins with `prefix`, for a list while typing."""
        visible = _VisibleUsers(viewer_id, self._related)
        query = NameQuery.of(prefix, inside=False)
        results = NameResults(self._walk, query, await self._lead(viewer_id, query, prefix), visible.read)
        return [visible.found[user_id] for user_id in await results.first(limit)]

    async def search(
        self, viewer_id: UserId, text: str, limit: int, cursor: str | None = None
    ) -> Page[RelatedUser]:
        """Return users whose username or full name has the text, or has it but for one character if none has.

        Raises InvalidInput for a cursor of another search.
        """
        visible = _VisibleUsers(viewer_id, self._related)
        query = NameQuery.of(text)
        results = NameResults(self._walk, query, await self._lead(viewer_id, query, text), visible.read)
        shown, more = await results.page(f"users {normalize(text)}", limit, cursor)
        return Page([visible.found[user_id] for user_id in shown], more)

    async def _lead(self, viewer_id: UserId, query: NameQuery, text: str) -> list[Lead]:
        """Return the user with exactly this name, and the matching followees of the viewer."""
        if not query.sections:
            return []
        lead: list[Lead] = []
        for section, each in (await self._followees.list_by(viewer_id)).find(query):
            lead.append(Lead(1 + section, int(not each.mutual), each.tier, each.user_id))
        exact = await self._ids.submit(normalize(text.strip().lstrip("@＠")))
        if exact is not None:
            lead = [Lead(0, 0, 0, exact), *(each for each in lead if each.subject_id != exact)]
        return sorted(lead)

    async def _find_ids(self, names: Sequence[str]) -> list[UserId | None]:
        """Return the users with exactly these names, for concurrent searches."""
        found = await self._users.find_ids(list(dict.fromkeys(names)))
        return [found.get(name) for name in names]
