"""`/users/{userId}/restrict`, `/restricted`: restrict users, and list them."""

from aiohttp import web

from server.handlers import serializers
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import current_principal, page_request, path_user
from server.handlers.schemas import PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user
from server.services.people.restrictions import Restrictions


class RestrictionRoutes:
    def __init__(self, restrictions: Restrictions) -> None:
        self._restrictions = restrictions

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/restricted", self.list_restricted),
            web.post("/users/{userId}/restrict", self.restrict_user),
            web.delete("/users/{userId}/restrict", self.unrestrict_user),
        ]

    @operation(
        "listRestricted",
        "Get the users that you have restricted, newest restriction first",
        tag="blocks",
        description="Only you see this list.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        rates=(Rate.READS,),
    )
    async def list_restricted(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        page = await self._restrictions.list_restricted(owner_id, page_request(request))
        return serializers.page_response(request, page, related_user)

    @operation(
        "restrictUser",
        "Restrict a user, by id or @username",
        tag="blocks",
        codes={422: ("own_account",)},
        description="Only the user and you see what the user comments on your posts, until you approve it. You get no"
        " notifications about these comments. The user is not notified.",
        responds={204: Reply("You have restricted the user")},
        refuses={404: "User not found", 422: "This is your own account"},
        rates=(Rate.WRITES,),
    )
    async def restrict_user(self, request: web.Request) -> web.Response:
        await self._restrictions.restrict(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "unrestrictUser",
        "End the restriction of a user, by id or @username",
        tag="blocks",
        description="Comments that are pending stay pending.",
        responds={204: Reply("You have not restricted the user")},
        refuses={404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def unrestrict_user(self, request: web.Request) -> web.Response:
        await self._restrictions.unrestrict(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)
