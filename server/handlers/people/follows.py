"""`/users/{userId}/follow`, `/followers`, `/following`: follow, unfollow, and read who follows whom."""

from aiohttp import web
from aiohttp_apispec import docs, querystring_schema, response_schema
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import current_principal, page_request, path_user
from server.handlers.schemas import Count, PageQuery, ProblemSchema, UserCardSchema, page_of
from server.services.people.follows import Follows
from server.services.records import FollowState


class FollowSchema(Schema):
    following = fields.Boolean(required=True)
    followersCount = Count(required=True)


class FollowRoutes:
    def __init__(self, follows: Follows) -> None:
        self._follows = follows

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/users/{userId}/follow", self.follow),
            web.delete("/users/{userId}/follow", self.unfollow),
            web.get("/users/{userId}/followers", self.followers),
            web.get("/users/{userId}/following", self.following),
        ]

    @docs(tags=["follows"], operationId="followUser", summary="Follow a user, by id or @username")
    @response_schema(FollowSchema, 200)
    @response_schema(ProblemSchema, 403, description="It is yourself")
    @response_schema(ProblemSchema, 404, description="No such user")
    @rate_limited(Rate.WRITES)
    async def follow(self, request: web.Request) -> web.Response:
        return _answer(await self._follows.follow(current_principal(request).user_id, path_user(request)))

    @docs(tags=["follows"], operationId="unfollowUser", summary="Unfollow a user, by id or @username")
    @response_schema(FollowSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    @rate_limited(Rate.WRITES)
    async def unfollow(self, request: web.Request) -> web.Response:
        return _answer(await self._follows.unfollow(current_principal(request).user_id, path_user(request)))

    @docs(
        tags=["follows"],
        operationId="listFollowers",
        summary="Get who follows a user, the newest follow first",
    )
    @querystring_schema(PageQuery)
    @response_schema(page_of(UserCardSchema), 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    @rate_limited(Rate.READS)
    async def followers(self, request: web.Request) -> web.Response:
        page = await self._follows.followers(path_user(request), page_request(request))
        return serializers.page_response(request, page, serializers.user_card)

    @docs(
        tags=["follows"],
        operationId="listFollowing",
        summary="Get whom a user follows, the newest follow first",
    )
    @querystring_schema(PageQuery)
    @response_schema(page_of(UserCardSchema), 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    @rate_limited(Rate.READS)
    async def following(self, request: web.Request) -> web.Response:
        page = await self._follows.following(path_user(request), page_request(request))
        return serializers.page_response(request, page, serializers.user_card)


def _answer(state: FollowState) -> web.Response:
    return serializers.json_response({"following": state.following, "followersCount": state.followers_count})
