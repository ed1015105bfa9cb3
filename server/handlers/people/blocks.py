"""`/users/{userId}/block`, `/users/{userId}/mute`, `/blocks`, `/mutes`: block and mute users, and list them."""

from aiohttp import web

from server.handlers import serializers
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import current_principal, page_request, path_user
from server.handlers.schemas import PageQuery, page_of
from server.handlers.user_cards import RelatedUserSchema, related_user
from server.services.people.blocks import Blocks
from server.services.people.mutes import Mutes


class BlockRoutes:
    def __init__(self, blocks: Blocks, mutes: Mutes) -> None:
        self._blocks = blocks
        self._mutes = mutes

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/blocks", self.list_blocks),
            web.post("/users/{userId}/block", self.block_user),
            web.delete("/users/{userId}/block", self.unblock_user),
            web.get("/mutes", self.list_mutes),
            web.post("/users/{userId}/mute", self.mute_user),
            web.delete("/users/{userId}/mute", self.unmute_user),
        ]

    @operation(
        "listBlocks",
        "Get the users that you have blocked, newest block first",
        tag="blocks",
        description="Only you see this list.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        rates=(Rate.READS,),
    )
    async def list_blocks(self, request: web.Request) -> web.Response:
        page = await self._blocks.list_blocked(current_principal(request).user_id, page_request(request))
        return serializers.page_response(request, page, related_user)

    @operation(
        "blockUser",
        "Block a user, by id or @username",
        tag="blocks",
        codes={422: ("own_account",)},
        description="You no longer see each other's posts, comments, likes and notifications, and follows between you"
        " end. The user is not notified.",
        responds={204: Reply("You have blocked the user")},
        refuses={404: "User not found", 422: "This is your own account"},
        rates=(Rate.WRITES,),
    )
    async def block_user(self, request: web.Request) -> web.Response:
        await self._blocks.block(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "unblockUser",
        "Unblock a user, by id or @username",
        tag="blocks",
        description="Follows that the block ended do not return.",
        responds={204: Reply("You have not blocked the user")},
        refuses={404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def unblock_user(self, request: web.Request) -> web.Response:
        await self._blocks.unblock(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "listMutes",
        "Get the users that you have muted, newest mute first",
        tag="blocks",
        description="Only you see this list.",
        query=PageQuery,
        responds={200: page_of(RelatedUserSchema)},
        rates=(Rate.READS,),
    )
    async def list_mutes(self, request: web.Request) -> web.Response:
        page = await self._mutes.list_muted(current_principal(request).user_id, page_request(request))
        return serializers.page_response(request, page, related_user)

    @operation(
        "muteUser",
        "Mute a user, by id or @username",
        tag="blocks",
        codes={422: ("own_account",)},
        description="Their posts leave your feed, and what they do no longer notifies you. Other users cannot tell.",
        responds={204: Reply("You have muted the user")},
        refuses={404: "User not found", 422: "This is your own account"},
        rates=(Rate.WRITES,),
    )
    async def mute_user(self, request: web.Request) -> web.Response:
        await self._mutes.mute(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "unmuteUser",
        "Unmute a user, by id or @username",
        tag="blocks",
        description="Their posts return to your feed.",
        responds={204: Reply("You have not muted the user")},
        refuses={404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def unmute_user(self, request: web.Request) -> web.Response:
        await self._mutes.unmute(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)
