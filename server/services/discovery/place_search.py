"""Places: search by name and nearby, their pages, and their posts."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.errors import NotFound
from server.ids import PlaceId, PostId, UserId
from server.models.content.places import DEGREE, PlaceRepository, PlaceRow
from server.models.discovery.search_terms import SearchKind, SearchTermRepository
from server.paging import Page, PageRequest
from server.services.content.listed_posts import ListedPosts
from server.services.content.places import Places, distance_m, to_place
from server.services.discovery.name_results import NameResults
from server.services.discovery.name_walk import NameWalk
from server.services.discovery.search_queries import NameQuery
from server.services.discovery.terms import name_text
from server.services.records import Place, Post

MAX_NEAR = 500


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place; `posts_count` counts the posts of active accounts that everyone may see."""

    place: Place
    posts_count: int


class _ShownPlaces:
    """Reads the places that have posts everyone may see, and keeps them."""

    def __init__(self, places: PlaceRepository) -> None:
        self._places = places
        self.rows: dict[int, PlaceRow] = {}

    async def read(self, place_ids: Sequence[int]) -> list[int]:
        found = {row.id: row for row in await self._places.list_by_ids(place_ids, shown=True)}
        self.rows |= found
        return [place_id for place_id in place_ids if place_id in found]


class PlaceSearch:
    def __init__(
        self,
        rows: PlaceRepository,
        terms: SearchTermRepository,
        places: Places,
        listed_posts: ListedPosts,
    ) -> None:
        self._rows = rows
        self._walk = NameWalk(terms, SearchKind.PLACE)
        self._places = places
        self._listed_posts = listed_posts

    async def search(self, text: str, limit: int, cursor: str | None = None) -> Page[FoundPlace]:
        """Return places that have the text, popular ones first, or have it but for one character if none has.

        Raises InvalidInput for a cursor of another search.
        """
        query, shown = NameQuery.of(text), _ShownPlaces(self._rows)
        ids, more = await NameResults(self._walk, query, (), shown.read).page(
            f"places {query.joined}", limit, cursor
        )
        return Page([_found(shown.rows[each]) for each in ids], more)

    async def search_near(self, text: str, lat: float, lng: float, limit: int) -> list[FoundPlace]:
        """Return places that have the text, those within about 10 km first, nearest first, then others by popularity.

        Without a text, all places nearby. Of an area, the 500 with most posts are compared.
        """
        here = Place(PlaceId(0), "", lat, lng)
        query = NameQuery.of(text)
        rows = await self._rows.list_near(round(lat * DEGREE), round(lng * DEGREE), MAX_NEAR)
        if text:
            rows = [row for row in rows if query.section_of(name_text(row.name)) is not None]
        rows.sort(key=lambda row: distance_m(here, to_place(row)))
        near = [_found(row) for row in rows[:limit]]
        if not text or len(near) >= limit:
            return near
        known = {each.place.id for each in near}
        others = (await self.search(text, limit)).items
        return [*near, *(each for each in others if each.place.id not in known)][:limit]

    async def get(self, viewer_id: UserId, place_id: PlaceId) -> FoundPlace:
        """Return a place. Raises NotFound if the viewer sees no post there."""
        return _found(await self._get(viewer_id, place_id))

    async def list_posts(
        self, viewer_id: UserId, place_id: PlaceId, request: PageRequest, *, with_likers: bool = False
    ) -> Page[Post]:
        """Return the posts of a place that the viewer may see, newest first. Raises NotFound as `get`."""

        async def listed(before_id: int, limit: int) -> Sequence[tuple[PostId, UserId]]:
            return await self._rows.list_newest(place_id, before_id, limit)

        page = await self._listed_posts.page(viewer_id, listed, request, with_likers=with_likers)
        if not page.items:
            await self._get(viewer_id, place_id)
        return page

    async def _get(self, viewer_id: UserId, place_id: PlaceId) -> PlaceRow:
        rows = await self._rows.list_by_ids([place_id])
        if not rows or not await self._places.is_visible(viewer_id, rows[0]):
            raise NotFound("Place not found.")
        return rows[0]


def _found(row: PlaceRow) -> FoundPlace:
    return FoundPlace(to_place(row), row.posts_count)
