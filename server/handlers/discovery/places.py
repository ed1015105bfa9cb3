"""`/places`: find places by name and nearby, and the posts of a place."""

from typing import Any

from aiohttp import web
from marshmallow import ValidationError, fields, validate, validates_schema

from server.handlers import serializers
from server.handlers.fields import Count, QueryNumber, Text
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import QUERY, current_principal, page_request, path_id
from server.handlers.post_serializer import PostSerializer, kept_page_response
from server.handlers.schemas import LimitQuery, PlaceSchema, PostPageQuery, PostSchema, page_of
from server.ids import PlaceId
from server.paging import Page
from server.services.discovery.place_search import FoundPlace, PlaceSearch

MAX_QUERY = 100
MAX_CURSOR = 400


class FoundPlaceSchema(PlaceSchema):
    postsCount = Count(
        required=True,
        metadata={
            "description": "Posts that everyone may see: of active, public accounts. It may lag behind by seconds."
        },
    )


class PlacesQuery(LimitQuery):
    q = Text(
        minimum=1,
        maximum=MAX_QUERY,
        metadata={"description": "A part of the name.", "examples": ["harbour"]},
    )
    lat = QueryNumber(-90, 90, metadata={"description": "Where the user is: nearest places come first."})
    lng = QueryNumber(-180, 180, metadata={"description": "Belongs to `lat`."})
    cursor = fields.String(
        validate=validate.Length(max=MAX_CURSOR),
        metadata={
            "format": "search-cursor",
            "description": "`nextCursor` of the previous page. With a position there is one page.",
        },
    )

    @validates_schema
    def _require_one(self, data: dict[str, Any], **_: Any) -> None:
        if ("lat" in data) != ("lng" in data):
            raise ValidationError("Required together: lat, lng.", "lat" if "lng" in data else "lng")
        if "q" not in data and "lat" not in data:
            raise ValidationError("Required: q, or lat and lng.", "q")
        if "lat" in data and "cursor" in data:
            raise ValidationError("There is one page with lat and lng.", "cursor")


class PlaceRoutes:
    def __init__(self, places: PlaceSearch, rendered: PostSerializer) -> None:
        self._places = places
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/places", self.list_places),
            web.get("/places/{placeId}", self.get_place),
            web.get("/places/{placeId}/posts", self.list_place_posts),
        ]

    @operation(
        "listPlaces",
        "Find places by a part of their name, nearby ones first",
        tag="search",
        description="Places with posts that everyone may see. Without a position by popularity; with one, those within"
        " about 10 km first, nearest first. Without `q`, all places nearby.",
        query=PlacesQuery,
        responds={200: page_of(FoundPlaceSchema)},
        rates=(Rate.SEARCH,),
    )
    async def list_places(self, request: web.Request) -> web.Response:
        query = request[QUERY]
        text, limit = query.get("q", ""), query["limit"]
        if "lat" in query:
            near = await self._places.search_near(text, query["lat"], query["lng"], limit)
            return serializers.page_response(request, Page(near, None), found_place)
        page = await self._places.search(text, limit, query.get("cursor"))
        return serializers.page_response(request, page, found_place)

    @operation(
        "getPlace",
        "Get a place",
        tag="search",
        description="404 for a place where you may see no post.",
        responds={200: FoundPlaceSchema},
        refuses={404: "Place not found"},
        rates=(Rate.READS,),
    )
    async def get_place(self, request: web.Request) -> web.Response:
        place = await self._places.get(current_principal(request).user_id, _place_id(request))
        return serializers.json_response(found_place(place))

    @operation(
        "listPlacePosts",
        "Get the posts of a place that you may see, newest first",
        tag="search",
        description="404 for a place where you may see no post.",
        query=PostPageQuery,
        responds={200: page_of(PostSchema)},
        refuses={404: "Place not found"},
        rates=(Rate.READS,),
        etag=True,
    )
    async def list_place_posts(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        with_likers = "include" in request[QUERY]
        page = await self._places.list_posts(
            viewer_id, _place_id(request), page_request(request), with_likers=with_likers
        )
        return kept_page_response(request, self._rendered.page(viewer_id, page))


def _place_id(request: web.Request) -> PlaceId:
    return PlaceId(path_id(request, "placeId"))


def found_place(record: FoundPlace) -> dict[str, Any]:
    return {**serializers.place(record.place), "postsCount": record.posts_count}
