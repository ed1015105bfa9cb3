"""`/posts/{postId}/likes`: like and unlike."""

from aiohttp import web
from aiohttp_apispec import docs, response_schema
from marshmallow import Schema, fields

from server.handlers import rendering
from server.handlers.requests import path_id, viewer
from server.handlers.schemas import ProblemSchema
from server.ids import PostId
from server.services.likes import Likes
from server.services.records import LikeState


class LikeSchema(Schema):
    liked = fields.Boolean(required=True)
    likesCount = fields.Integer(required=True)


class LikeRoutes:
    def __init__(self, likes: Likes) -> None:
        self._likes = likes

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts/{postId}/likes", self.like),
            web.delete("/posts/{postId}/likes", self.unlike),
        ]

    @docs(tags=["likes"], summary="Like a post")
    @response_schema(LikeSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such post")
    async def like(self, request: web.Request) -> web.Response:
        return _answer(await self._likes.like(viewer(request).user_id, PostId(path_id(request, "postId"))))

    @docs(tags=["likes"], summary="Unlike a post")
    @response_schema(LikeSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such post")
    async def unlike(self, request: web.Request) -> web.Response:
        return _answer(await self._likes.unlike(viewer(request).user_id, PostId(path_id(request, "postId"))))


def _answer(state: LikeState) -> web.Response:
    return rendering.json_response({"liked": state.liked, "likesCount": state.likes_count})
