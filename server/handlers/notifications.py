"""`/notifications`: what one was told; the live stream of it is in `stream.py`."""

from aiohttp import web
from aiohttp_apispec import docs, querystring_schema, response_schema
from marshmallow import Schema, fields

from server.handlers import rendering
from server.handlers.requests import page_request, viewer
from server.handlers.schemas import PageQuery, UserCardSchema, page_of
from server.handlers.stream import NotificationStream
from server.handlers.throttling import Rate, throttled
from server.services.notifications import Notifications


class ReferenceSchema(Schema):
    id = fields.String(required=True)


class NotificationSchema(Schema):
    id = fields.String(required=True)
    type = fields.String(required=True)
    actor = fields.Nested(UserCardSchema, required=True)
    post = fields.Nested(ReferenceSchema)
    comment = fields.Nested(ReferenceSchema)
    read = fields.Boolean(required=True)
    createdAt = fields.String(required=True)


class NotificationRoutes:
    def __init__(self, notifications: Notifications, stream: NotificationStream) -> None:
        self._notifications = notifications
        self._stream = stream

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/notifications", self.read),
            web.get("/notifications/stream", self.listen, allow_head=False),
        ]

    @docs(tags=["notifications"], summary="Get your notifications, newest first")
    @querystring_schema(PageQuery)
    @response_schema(page_of(NotificationSchema), 200)
    @throttled(Rate.READS)
    async def read(self, request: web.Request) -> web.Response:
        page = await self._notifications.page(viewer(request).user_id, page_request(request))
        return rendering.page_response(request, page, rendering.notification)

    @docs(
        tags=["notifications"],
        summary="Listen to your notifications (Server-Sent Events)",
        description="`id:` is the sequence; send the last one seen as `Last-Event-ID` to go on from there.",
        produces=["text/event-stream"],
    )
    @throttled(Rate.READS)
    async def listen(self, request: web.Request) -> web.StreamResponse:
        return await self._stream.handle(request, viewer(request))
