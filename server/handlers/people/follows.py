"""`/users/{userId}/follow`, `/followers`, `/following`: follow and unfollow users, and list follows."""

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.fields import Count
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import current_principal, page_request, path_user
from server.handlers.schemas import PageQuery, page_of
from server.handlers.user_cards import UserCardSchema, user_card
from server.services.people.follows import Follows
from server.services.records import FollowState


class FollowStateSchema(Schema):
    following = fields.Boolean(required=True)
    followersCount = Count(required=True)


class FollowRoutes:
    def __init__(self, follows: Follows) -> None:
        self._follows = follows

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/users/{userId}/follow", self.follow_user),
            web.delete("/users/{userId}/follow", self.unfollow_user),
            web.get("/users/{userId}/followers", self.list_followers),
            web.get("/users/{userId}/following", self.list_following),
        ]

    @operation(
        "followUser",
        "Follow a user, by id or @username",
        tag="follows",
        responds={200: FollowStateSchema},
        refuses={403: "You cannot follow yourself", 404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def follow_user(self, request: web.Request) -> web.Response:
        state = await self._follows.follow(current_principal(request).user_id, path_user(request))
        return _follow_state(state)

    @operation(
        "unfollowUser",
        "Unfollow a user, by id or @username",
        tag="follows",
        responds={200: FollowStateSchema},
        refuses={404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def unfollow_user(self, request: web.Request) -> web.Response:
        state = await self._follows.unfollow(current_principal(request).user_id, path_user(request))
        return _follow_state(state)

    @operation(
        "listFollowers",
        "Get the followers of a user, newest follow first",
        tag="follows",
        query=PageQuery,
        responds={200: page_of(UserCardSchema)},
        refuses={404: "User not found"},
        rates=(Rate.READS,),
    )
    async def list_followers(self, request: web.Request) -> web.Response:
        page = await self._follows.list_followers(path_user(request), page_request(request))
        return serializers.page_response(request, page, user_card)

    @operation(
        "listFollowing",
        "Get the users that a user follows, newest follow first",
        tag="follows",
        query=PageQuery,
        responds={200: page_of(UserCardSchema)},
        refuses={404: "User not found"},
        rates=(Rate.READS,),
    )
    async def list_following(self, request: web.Request) -> web.Response:
        page = await self._follows.list_following(path_user(request), page_request(request))
        return serializers.page_response(request, page, user_card)


def _follow_state(state: FollowState) -> web.Response:
    return serializers.json_response({"following": state.following, "followersCount": state.followers_count})
