"""`/search/recent`: what a user searched for."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.discovery.search import MAX_QUERY
from server.handlers.fields import Id, RequestSchema, Text, Timestamp
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, current_principal, page_request, path_id
from server.handlers.schemas import PageQuery, page_of
from server.ids import RecentSearchId, id_timestamp_ms
from server.services.discovery.recent_searches import RecentSearch, RecentSearches


class RecentSearchBody(RequestSchema):
    q = Text(minimum=1, maximum=MAX_QUERY, required=True, metadata={"examples": ["sunset"]})


class RecentSearchSchema(Schema):
    id = Id(required=True)
    q = fields.String(required=True)
    searchedAt = Timestamp(required=True)


class RecentSearchRoutes:
    def __init__(self, searches: RecentSearches) -> None:
        self._searches = searches

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/search/recent", self.list_recent_searches),
            web.post("/search/recent", self.keep_recent_search),
            web.delete("/search/recent", self.clear_recent_searches),
            web.delete("/search/recent/{searchId}", self.remove_recent_search),
        ]

    @operation(
        "listRecentSearches",
        "Get your recent searches, newest first",
        tag="search",
        description="Only you see this list.",
        query=PageQuery,
        responds={200: page_of(RecentSearchSchema)},
        rates=(Rate.READS,),
    )
    async def list_recent_searches(self, request: web.Request) -> web.Response:
        page = await self._searches.list_page(current_principal(request).user_id, page_request(request))
        return serializers.page_response(request, page, _recent_search)

    @operation(
        "keepRecentSearch",
        "Keep a text among your recent searches",
        tag="search",
        description="A text is kept once, and moves to the top. The last 50 are kept.",
        body=RecentSearchBody,
        responds={200: RecentSearchSchema},
        rates=(Rate.WRITES,),
    )
    async def keep_recent_search(self, request: web.Request) -> web.Response:
        kept = await self._searches.keep(current_principal(request).user_id, request[BODY]["q"])
        return serializers.json_response(_recent_search(kept))

    @operation(
        "clearRecentSearches",
        "Remove all your recent searches",
        tag="search",
        description="Succeeds without any as well.",
        responds={204: Reply("You have no recent searches")},
        rates=(Rate.WRITES,),
    )
    async def clear_recent_searches(self, request: web.Request) -> web.Response:
        await self._searches.clear(current_principal(request).user_id)
        return web.Response(status=204)

    @operation(
        "removeRecentSearch",
        "Remove one of your recent searches",
        tag="search",
        description="Succeeds if it was removed before.",
        responds={204: Reply("Removed, or there was none")},
        refuses={404: "The id is invalid"},
        rates=(Rate.WRITES,),
    )
    async def remove_recent_search(self, request: web.Request) -> web.Response:
        search_id = RecentSearchId(path_id(request, "searchId"))
        await self._searches.remove(current_principal(request).user_id, search_id)
        return web.Response(status=204)


def _recent_search(record: RecentSearch) -> dict[str, Any]:
    return {"id": str(record.id), "q": record.text, "searchedAt": isoformat(id_timestamp_ms(record.id))}
