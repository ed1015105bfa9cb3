"""`/users/{userId}/follow`, `/followers`, `/following`: follow and unfollow users, and list follows."""

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.fields import Count
from server.handlers.http.operations import Contribution, Rate, Reply, operation
from server.handlers.http.requests import current_principal, page_request, path_user
from server.handlers.schemas import PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user
from server.services.people.follows import Follows
from server.services.records import FollowState


class FollowStateSchema(Schema):
    following = fields.Boolean(required=True)
    requested = fields.Boolean(
        required=True, metadata={"description": "The account is private and has not answered your request."}
    )
    followersCount = Count(required=True)


class FollowRoutes:
    def __init__(self, follows: Follows) -> None:
        self._follows = follows

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/users/{userId}/follow", self.follow_user),
            web.delete("/users/{userId}/follow", self.unfollow_user),
            web.delete("/users/profile/followers/{userId}", self.remove_follower),
            web.get("/users/{userId}/followers", self.list_followers),
            web.get("/users/{userId}/following", self.list_following),
        ]

    @operation(
        "followUser",
        "Follow a user, by id or @username",
        tag="follows",
        codes={409: ("blocked",), 422: ("own_account",)},
        description="A private account gets a request instead, unless you have sent one already.",
        responds={200: FollowStateSchema},
        refuses={404: "User not found", 409: "You have blocked this user", 422: "This is your own account"},
        rates=(Rate.WRITES,),
        contributes=Contribution.FOLLOWS,
    )
    async def follow_user(self, request: web.Request) -> web.Response:
        state = await self._follows.follow(current_principal(request).user_id, path_user(request))
        return _follow_state(state)

    @operation(
        "unfollowUser",
        "Unfollow a user, by id or @username",
        tag="follows",
        description="Withdraws a request that was not answered yet.",
        responds={200: FollowStateSchema},
        refuses={404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def unfollow_user(self, request: web.Request) -> web.Response:
        state = await self._follows.unfollow(current_principal(request).user_id, path_user(request))
        return _follow_state(state)

    @operation(
        "removeFollower",
        "Remove a follower, by id or @username",
        tag="follows",
        description="The user is not notified, and may follow you again.",
        responds={204: Reply("The user does not follow you")},
        refuses={404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def remove_follower(self, request: web.Request) -> web.Response:
        await self._follows.remove_follower(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "listFollowers",
        "Get the followers of a user, newest follow first",
        tag="follows",
        description="Empty for a private account that you do not follow.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        refuses={404: "User not found"},
        rates=(Rate.READS,),
        etag=True,
    )
    async def list_followers(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        page = await self._follows.list_followers(viewer_id, path_user(request), page_request(request))
        return serializers.page_response(request, page, related_user)

    @operation(
        "listFollowing",
        "Get the users that a user follows, newest follow first",
        tag="follows",
        description="Empty for a private account that you do not follow.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        refuses={404: "User not found"},
        rates=(Rate.READS,),
        etag=True,
    )
    async def list_following(self, request: web.Request) -> web.Response:
        viewer_id = current_principal(request).user_id
        page = await self._follows.list_following(viewer_id, path_user(request), page_request(request))
        return serializers.page_response(request, page, related_user)


def _follow_state(state: FollowState) -> web.Response:
    return serializers.json_response(
        {
            "following": state.following,
            "requested": state.requested,
            "followersCount": state.followers_count,
        }
    )
