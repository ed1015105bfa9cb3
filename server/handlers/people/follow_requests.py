"""`/follow-requests`: the requests that a private account receives and sends."""

from aiohttp import web

from server.handlers import serializers
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import current_principal, page_request, path_user
from server.handlers.schemas import PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user
from server.services.people.follow_requests import FollowRequests


class FollowRequestRoutes:
    def __init__(self, requests: FollowRequests) -> None:
        self._requests = requests

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/follow-requests", self.list_follow_requests),
            web.get("/follow-requests/sent", self.list_sent_follow_requests),
            # A restricted segment, so that POST /follow-requests/sent is a 405.
            web.post("/follow-requests/{userId:[0-9@][^/]*}", self.accept_follow_request),
            web.delete("/follow-requests/{userId:[0-9@][^/]*}", self.decline_follow_request),
        ]

    @operation(
        "listFollowRequests",
        "Get the users who ask to follow you, newest request first",
        tag="follows",
        description="Only a private account gets requests.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        rates=(Rate.READS,),
        etag=True,
    )
    async def list_follow_requests(self, request: web.Request) -> web.Response:
        page = await self._requests.list_received(current_principal(request).user_id, page_request(request))
        return serializers.page_response(request, page, related_user)

    @operation(
        "listSentFollowRequests",
        "Get the private accounts that you asked to follow, newest request first",
        tag="follows",
        description="`DELETE /users/{userId}/follow` withdraws a request.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        rates=(Rate.READS,),
    )
    async def list_sent_follow_requests(self, request: web.Request) -> web.Response:
        page = await self._requests.list_sent(current_principal(request).user_id, page_request(request))
        return serializers.page_response(request, page, related_user)

    @operation(
        "acceptFollowRequest",
        "Let a user follow you, by id or @username",
        tag="follows",
        description="The user is notified.",
        responds={204: Reply("The user follows you")},
        refuses={404: "There is no such request"},
        rates=(Rate.WRITES,),
    )
    async def accept_follow_request(self, request: web.Request) -> web.Response:
        await self._requests.accept(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "declineFollowRequest",
        "Decline a request to follow you, by id or @username",
        tag="follows",
        description="The user is not notified, and may ask again.",
        responds={204: Reply("The request is deleted")},
        refuses={404: "There is no such request"},
        rates=(Rate.WRITES,),
    )
    async def decline_follow_request(self, request: web.Request) -> web.Response:
        await self._requests.decline(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)
