"""`/feed`: the personalised feed."""

from aiohttp import web
from aiohttp_apispec import docs, querystring_schema, response_schema

from server.handlers import rendering
from server.handlers.requests import page_request, viewer
from server.handlers.schemas import PageQuery, PostSchema, page_of
from server.services.feed.pages import Feed


class FeedRoutes:
    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/feed", self.read)]

    @docs(tags=["feed"], summary="Get your feed: your own posts and those of whom you follow, newest first")
    @querystring_schema(PageQuery)
    @response_schema(page_of(PostSchema), 200)
    async def read(self, request: web.Request) -> web.Response:
        page = await self._feed.page(viewer(request).user_id, page_request(request))
        return rendering.page_response(request, page, rendering.post)
