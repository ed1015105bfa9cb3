"""`/users/{userId}/close-friend`, `/close-friends`: the users who see your posts for close friends."""

from aiohttp import web

from server.handlers import serializers
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import current_principal, page_request, path_user
from server.handlers.schemas import PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user
from server.services.people.close_friends import CloseFriends


class CloseFriendRoutes:
    def __init__(self, close_friends: CloseFriends) -> None:
        self._close_friends = close_friends

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/close-friends", self.list_close_friends),
            web.post("/users/{userId}/close-friend", self.add_close_friend),
            web.delete("/users/{userId}/close-friend", self.remove_close_friend),
        ]

    @operation(
        "listCloseFriends",
        "Get your close friends, newest first",
        tag="blocks",
        description="Only you see this list.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        rates=(Rate.READS,),
    )
    async def list_close_friends(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        page = await self._close_friends.list_friends(owner_id, page_request(request))
        return serializers.page_response(request, page, related_user)

    @operation(
        "addCloseFriend",
        "Add a user to your close friends, by id or @username",
        tag="blocks",
        codes={422: ("own_account",)},
        description="The user sees your posts for close friends. The user is not notified, and only you see the list.",
        responds={204: Reply("The user is your close friend")},
        refuses={404: "User not found", 422: "This is your own account"},
        rates=(Rate.WRITES,),
    )
    async def add_close_friend(self, request: web.Request) -> web.Response:
        await self._close_friends.add(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "removeCloseFriend",
        "Remove a user from your close friends, by id or @username",
        tag="blocks",
        description="The user no longer sees your posts for close friends, and is not notified.",
        responds={204: Reply("The user is not your close friend")},
        refuses={404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def remove_close_friend(self, request: web.Request) -> web.Response:
        await self._close_friends.remove(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)
