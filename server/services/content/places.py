"""Places of posts: one row per name and neighbourhood, shared by all posts there.

A place comes from what the author chose, never from the metadata of a picture.
"""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from server.errors import InvalidInput
from server.ids import PlaceId, UserId
from server.models.content.places import DEGREE, PlaceRepository, PlaceRow
from server.models.database import DuplicateKey
from server.paging import PageRequest
from server.services.content.mentions import hashtag_key
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import Place

# Places of one name are the same within this distance.
SAME_PLACE_M = 500
EARTH_RADIUS_M = 6_371_000
MAX_KEY = 190


@dataclass(frozen=True, slots=True)
class NewPlace:
    """A place as a client's geocoder names it, in degrees."""

    name: str
    lat: float
    lng: float


ChosenPlace = PlaceId | NewPlace


@dataclass(frozen=True, slots=True)
class PlaceChange:
    """The place that an edited post is to have, or None to remove it."""

    place: ChosenPlace | None

    @property
    def name(self) -> str:
        """The name that the author wrote, if any."""
        return self.place.name if isinstance(self.place, NewPlace) else ""


class Places:
    def __init__(self, places: PlaceRepository, visibility: Visibility) -> None:
        self._places = places
        self._visibility = visibility

    async def choose(self, author_id: UserId, place: ChosenPlace, work: WorkContext) -> PlaceId:
        """Return a place for a post of the author, inserted if it is new, and locked until the commit.

        Raises InvalidInput for an id of no place that the author may see.
        """
        if isinstance(place, NewPlace):
            return await self._find_or_insert(place, work)
        row = await self._places.lock(place)
        if row is None or not await self.is_visible(author_id, row):
            raise InvalidInput(
                "There is no such place.", code="unknown_place", fields={"placeId": ["Not found."]}
            )
        return row.id

    async def release(self, place_id: PlaceId) -> None:
        """Delete a place that a post had, unless another post has it."""
        if await self._places.lock(place_id) is not None:
            await self._places.delete_unused(place_id)

    async def is_visible(self, viewer_id: UserId, place: PlaceRow) -> bool:
        """Return whether the viewer may see a post there: others must not learn where a user lives."""
        if place.posts_count > 0:
            return True
        visible = self._visibility.posts(viewer_id)
        return bool(await self._places.list_post_ids(place.id, visible, PageRequest().before_id, 1))

    async def _find_or_insert(self, place: NewPlace, work: WorkContext) -> PlaceId:
        lat, lng = _millionths(place.lat), _millionths(place.lng)
        key = " ".join(hashtag_key(place.name).split())[:MAX_KEY]
        wanted = PlaceRow(PlaceId(work.new_id()), place.name, lat, lng)
        near = [
            row
            for row in await self._places.list_named(key, lat, lng)
            if distance_m(to_place(row), to_place(wanted)) <= SAME_PLACE_M
        ]
        if near:
            nearest = min(near, key=lambda row: distance_m(to_place(row), to_place(wanted)))
            if await self._places.lock(nearest.id) is not None:  # else it was deleted just now
                return nearest.id
        try:
            await self._places.insert(wanted, key)
        except DuplicateKey:  # this cell has one, farther away or inserted just now
            found = await self._places.list_named(key, lat, lng)
            other = min(found, key=lambda row: distance_m(to_place(row), to_place(wanted)))
            await self._places.lock(other.id)
            return other.id
        return wanted.id


def to_place(row: PlaceRow) -> Place:
    return Place(row.id, row.name, row.lat / DEGREE, row.lng / DEGREE)


def distance_m(one: Place, other: Place) -> float:
    """Return the distance of two places along the surface, by the haversine formula."""
    lat, other_lat = radians(one.lat), radians(other.lat)
    half = (
        sin((lat - other_lat) / 2) ** 2
        + cos(lat) * cos(other_lat) * sin(radians(one.lng - other.lng) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, half)))


def _millionths(degrees: float) -> int:
    return round(degrees * DEGREE)
