"""`/notifications`: what one was told; the live stream of it is in `stream.py`."""

from aiohttp import web
from aiohttp_apispec import docs, querystring_schema, response_schema
from marshmallow import Schema, fields, validate

from server.handlers import rendering
from server.handlers.requests import page_request, viewer
from server.handlers.schemas import Id, Moment, PageQuery, ProblemSchema, UserCardSchema, page_of
from server.handlers.stream import RESET, NotificationStream
from server.handlers.throttling import Rate, throttled
from server.services.notifications import Notifications
from server.services.records import NotificationType


class ReferenceSchema(Schema):
    id = Id(required=True)


class NotificationSchema(Schema):
    id = Id(required=True)
    type = fields.Enum(NotificationType, by_value=fields.String, required=True)
    actor = fields.Nested(UserCardSchema, required=True)
    post = fields.Nested(ReferenceSchema)
    comment = fields.Nested(ReferenceSchema)
    read = fields.Boolean(required=True)
    createdAt = Moment(required=True)


class EventSchema(Schema):
    """One event of the stream."""

    id = fields.String(
        required=True,
        validate=validate.Regexp("^[0-9]+$"),
        metadata={"description": "Send the last one seen as `Last-Event-ID` to go on from there."},
    )
    event = fields.String(
        required=True,
        validate=validate.OneOf([*NotificationType, RESET]),
        metadata={"description": "`reset`: some can no longer be sent, read the list again."},
    )
    data = fields.String(required=True, metadata={"description": "A `Notification`, as JSON on one line."})


class NotificationRoutes:
    def __init__(self, notifications: Notifications, stream: NotificationStream) -> None:
        self._notifications = notifications
        self._stream = stream

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/notifications", self.read),
            web.get("/notifications/stream", self.listen, allow_head=False),
        ]

    @docs(
        tags=["notifications"],
        operationId="listNotifications",
        summary="Get your notifications, newest first",
    )
    @querystring_schema(PageQuery)
    @response_schema(page_of(NotificationSchema), 200)
    @throttled(Rate.READS)
    async def read(self, request: web.Request) -> web.Response:
        page = await self._notifications.page(viewer(request).user_id, page_request(request))
        return rendering.page_response(request, page, rendering.notification)

    @docs(
        tags=["notifications"],
        operationId="streamNotifications",
        summary="Listen to your notifications (Server-Sent Events)",
        produces=["text/event-stream"],
        parameters=[
            {
                "in": "header",
                "name": "Last-Event-ID",
                "schema": {"type": "string"},
                "description": "The last `id:` seen; anything else begins anew.",
            }
        ],
    )
    @throttled(Rate.READS)
    @response_schema(EventSchema, 200, description="Events without end")
    @response_schema(ProblemSchema, 400, description="The request has a body")
    async def listen(self, request: web.Request) -> web.StreamResponse:
        return await self._stream.handle(request, viewer(request))
