"""`/posts/{postId}/likes`: like, unlike, and read who does."""

from aiohttp import web
from aiohttp_apispec import docs, querystring_schema, response_schema
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import current_principal, page_request, path_id
from server.handlers.schemas import Count, PageQuery, ProblemSchema, UserCardSchema, page_of
from server.ids import PostId
from server.services.content.likes import Likes
from server.services.records import LikeState


class LikeSchema(Schema):
    liked = fields.Boolean(required=True)
    likesCount = Count(required=True)


class LikeRoutes:
    def __init__(self, likes: Likes) -> None:
        self._likes = likes

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts/{postId}/likes", self.like),
            web.delete("/posts/{postId}/likes", self.unlike),
            web.get("/posts/{postId}/likes", self.of_post),
        ]

    @docs(tags=["likes"], operationId="likePost", summary="Like a post")
    @response_schema(LikeSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such post")
    @rate_limited(Rate.WRITES)
    async def like(self, request: web.Request) -> web.Response:
        return _answer(
            await self._likes.like(current_principal(request).user_id, PostId(path_id(request, "postId")))
        )

    @docs(tags=["likes"], operationId="unlikePost", summary="Unlike a post")
    @response_schema(LikeSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such post")
    @rate_limited(Rate.WRITES)
    async def unlike(self, request: web.Request) -> web.Response:
        return _answer(
            await self._likes.unlike(current_principal(request).user_id, PostId(path_id(request, "postId")))
        )

    @docs(tags=["likes"], operationId="listLikers", summary="Get who likes a post, the newest like first")
    @querystring_schema(PageQuery)
    @response_schema(page_of(UserCardSchema), 200)
    @response_schema(ProblemSchema, 404, description="No such post")
    @rate_limited(Rate.READS)
    async def of_post(self, request: web.Request) -> web.Response:
        post_id = PostId(path_id(request, "postId"))
        page = await self._likes.of_post(current_principal(request).user_id, post_id, page_request(request))
        return serializers.page_response(request, page, serializers.user_card)


def _answer(state: LikeState) -> web.Response:
    return serializers.json_response({"liked": state.liked, "likesCount": state.likes_count})
