"""`/users/{userId}/follow`: follow and unfollow."""

from aiohttp import web
from aiohttp_apispec import docs, response_schema
from marshmallow import Schema, fields

from server.handlers import rendering
from server.handlers.requests import path_id, viewer
from server.handlers.schemas import ProblemSchema
from server.ids import UserId
from server.services.follows import Follows
from server.services.records import FollowState


class FollowSchema(Schema):
    following = fields.Boolean(required=True)
    followersCount = fields.Integer(required=True)


class FollowRoutes:
    def __init__(self, follows: Follows) -> None:
        self._follows = follows

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/users/{userId}/follow", self.follow),
            web.delete("/users/{userId}/follow", self.unfollow),
        ]

    @docs(tags=["follows"], summary="Follow a user")
    @response_schema(FollowSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    async def follow(self, request: web.Request) -> web.Response:
        state = await self._follows.follow(viewer(request).user_id, UserId(path_id(request, "userId")))
        return _answer(state)

    @docs(tags=["follows"], summary="Unfollow a user")
    @response_schema(FollowSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    async def unfollow(self, request: web.Request) -> web.Response:
        state = await self._follows.unfollow(viewer(request).user_id, UserId(path_id(request, "userId")))
        return _answer(state)


def _answer(state: FollowState) -> web.Response:
    return rendering.json_response({"following": state.following, "followersCount": state.followers_count})
