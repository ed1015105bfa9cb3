"""`/search` and `/users?prefix=`: search for users, hashtags and posts, and complete names while typing."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from aiohttp import web
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.handlers import serializers
from server.handlers.discovery.hashtags import HashtagSchema, hashtag
from server.handlers.discovery.places import FoundPlaceSchema, found_place
from server.handlers.fields import Id, QueryList, Text
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import QUERY, current_principal
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import MAX_IDS, LimitQuery, PostSchema, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user, related_user_json
from server.ids import UserId
from server.paging import Page
from server.services.discovery.caption_search import CaptionSearch
from server.services.discovery.hashtag_search import HashtagSearch
from server.services.discovery.place_search import PlaceSearch
from server.services.discovery.user_search import UserSearch
from server.services.people.profiles import Profiles

MAX_QUERY = 100
MAX_CURSOR = 400


class SearchType(StrEnum):
    """Searched types; more may be added."""

    USERS = "users"
    HASHTAGS = "hashtags"
    POSTS = "posts"
    PLACES = "places"


class SearchQuery(LimitQuery):
    q = Text(
        minimum=1,
        maximum=MAX_QUERY,
        required=True,
        metadata={"description": "The text. Case, accents and punctuation are ignored.", "examples": ["ana"]},
    )
    type = fields.Enum(
        SearchType,
        by_value=fields.String,
        load_default=SearchType.USERS,
        metadata={"description": "What is searched. More values may be added."},
    )
    cursor = fields.String(
        validate=validate.Length(max=MAX_CURSOR),
        metadata={
            "format": "search-cursor",
            "description": "`nextCursor` of the previous page of this search.",
        },
    )


class SearchResultSchema(Schema):
    """A result. It has the member that its type names."""

    type = fields.String(required=True, metadata={"enum": ["user", "hashtag", "post", "place"]})
    user = fields.Nested(RelatedUserSchema)
    hashtag = fields.Nested(HashtagSchema)
    post = fields.Nested(PostSchema)
    place = fields.Nested(FoundPlaceSchema)


class UsersQuery(LimitQuery):
    prefix = Text(
        minimum=1,
        maximum=MAX_QUERY,
        metadata={"description": "What was typed after the @.", "examples": ["an"]},
    )
    ids = QueryList(
        Id(),
        validate=validate.Length(1, MAX_IDS),
        metadata={"description": "These users instead, in this order, without those that you cannot see."},
    )

    @validates_schema
    def _require_one(self, data: dict[str, Any], **_: Any) -> None:
        if ("prefix" in data) == ("ids" in data):
            raise ValidationError("Exactly one of these is required: prefix, ids.", "prefix")


class SearchRoutes:
    def __init__(
        self,
        users: UserSearch,
        hashtags: HashtagSearch,
        captions: CaptionSearch,
        places: PlaceSearch,
        rendered: PostSerializer,
        profiles: Profiles,
    ) -> None:
        self._users = users
        self._hashtags = hashtags
        self._captions = captions
        self._places = places
        self._rendered = rendered
        self._profiles = profiles

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/search", self.search), web.get("/users", self.list_users)]

    @operation(
        "search",
        "Search for users, hashtags, places or posts",
        tag="search",
        description="Users: the exact name first, then users that you follow, then others by followers. Hashtags: by"
        " posts. Posts: newest first. If no name matches, names are found that differ by one character.",
        query=SearchQuery,
        responds={200: page_of(SearchResultSchema)},
        rates=(Rate.SEARCH,),
    )
    async def search(self, request: web.Request) -> web.Response:
        query, viewer_id = request[QUERY], current_principal(request).user_id
        text, limit, cursor = query["q"], query["limit"], query.get("cursor")
        match query["type"]:
            case SearchType.HASHTAGS:
                hashtags = await self._hashtags.search(text, limit, cursor)
                return _results(request, hashtags, "hashtag", hashtag)
            case SearchType.POSTS:
                posts = await self._captions.search(viewer_id, text, limit, cursor)
                return _results(request, posts, "post", self._rendered.for_viewer(viewer_id))
            case SearchType.PLACES:
                places = await self._places.search(text, limit, cursor)
                return _results(request, places, "place", found_place)
            case _:
                users = await self._users.search(viewer_id, text, limit, cursor)
                return _results(request, users, "user", related_user_json)

    @operation(
        "listUsers",
        "Complete a name while it is typed, or get users by their ids",
        tag="search",
        description="Users of whose username or full name a word begins with the prefix, in the order of the search."
        " There is one page.",
        query=UsersQuery,
        responds={200: page_of(RelatedUserSchema)},
        rates=(Rate.SEARCH,),
    )
    async def list_users(self, request: web.Request) -> web.Response:
        query, viewer_id = request[QUERY], current_principal(request).user_id
        if "ids" in query:
            ids = [UserId(int(each)) for each in query["ids"]]
            found = await self._profiles.list_users(viewer_id, ids)
            return serializers.page_response(request, Page(found, None), related_user)
        users = await self._users.complete(viewer_id, query["prefix"], query["limit"])
        return serializers.page_response(request, Page(users, None), related_user_json)


def _results(request: web.Request, page: Page[Any], name: str, render: Callable[[Any], Any]) -> web.Response:
    return serializers.page_response(request, page, lambda item: {"type": name, name: render(item)})
