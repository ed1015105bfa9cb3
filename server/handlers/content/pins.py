"""`/posts/{postId}/pin`: pin posts, which come first in the list of their author's posts."""

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import current_principal, path_id
from server.ids import PostId
from server.services.content.pins import MAX_PINS, Pins


class PinStateSchema(Schema):
    pinned = fields.Boolean(required=True)


class PinRoutes:
    def __init__(self, pins: Pins) -> None:
        self._pins = pins

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts/{postId}/pin", self.pin_post),
            web.delete("/posts/{postId}/pin", self.unpin_post),
        ]

    @operation(
        "pinPost",
        "Pin your own post",
        tag="posts",
        description=f"Up to {MAX_PINS} posts come first in the list of your posts, the newest pin first. Archiving a"
        " post unpins it.",
        codes={409: ("too_many_pins", "not_published")},
        responds={200: PinStateSchema},
        refuses={
            403: "Not your post",
            404: "Post not found",
            409: f"You have {MAX_PINS} pinned posts, or the post is archived",
        },
        rates=(Rate.WRITES,),
    )
    async def pin_post(self, request: web.Request) -> web.Response:
        await self._pins.pin(current_principal(request).user_id, PostId(path_id(request, "postId")))
        return serializers.json_response({"pinned": True})

    @operation(
        "unpinPost",
        "Unpin your own post",
        tag="posts",
        description="The result is the same if it is not pinned.",
        responds={200: PinStateSchema},
        refuses={403: "Not your post", 404: "Post not found"},
        rates=(Rate.WRITES,),
    )
    async def unpin_post(self, request: web.Request) -> web.Response:
        await self._pins.unpin(current_principal(request).user_id, PostId(path_id(request, "postId")))
        return serializers.json_response({"pinned": False})
