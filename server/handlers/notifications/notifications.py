"""`/notifications`: what one was told, and what one has seen of it; the live stream of it is in `stream.py`."""

from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp_apispec import docs, json_schema, querystring_schema, response_schema
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.handlers import serializers
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import BODY, QUERY, accepts_ticket, current_principal, page_request
from server.handlers.notifications.stream import RESET, NotificationStream
from server.handlers.schemas import (
    Count,
    Flag,
    Id,
    Moment,
    PageQuery,
    ProblemSchema,
    QueryFlag,
    Strict,
    UserCardSchema,
    Whole,
    page_of,
)
from server.ids import NotificationId
from server.services.notifications.notifications import Notifications
from server.services.notifications.stream_tickets import TICKET_TTL_S, StreamTickets
from server.services.records import NotificationType

MAX_IDS = 100
TYPES_PATTERN = "^({0})(,({0}))*$".format("|".join(NotificationType))


class ReferenceSchema(Schema):
    id = Id(required=True)


class NotificationSchema(Schema):
    id = Id(required=True)
    type = fields.Enum(NotificationType, by_value=fields.String, required=True)
    actor = fields.Nested(UserCardSchema, required=True)
    othersCount = Count(
        required=True,
        metadata={"description": "How many others did the same before: `ana and 12 others` like a post."},
    )
    post = fields.Nested(ReferenceSchema)
    comment = fields.Nested(ReferenceSchema)
    read = fields.Boolean(required=True)
    createdAt = Moment(required=True)


class NotificationsQuery(PageQuery):
    types = fields.String(
        validate=[
            validate.Length(max=200),
            Whole(TYPES_PATTERN, error=f"Any of {', '.join(NotificationType)}, divided by commas."),
        ],
        metadata={"description": "Of these types alone, divided by commas."},
    )
    unread = QueryFlag(load_default=False, metadata={"description": "`true`: only what is not read yet."})


class UnreadSchema(Schema):
    count = Count(
        required=True, metadata={"description": "What is left unread; the likes of a post are one."}
    )


class ReadBody(Strict):
    """What was read: these, everything up to one, or all."""

    keywords = MappingProxyType({"minProperties": 1, "maxProperties": 1})

    ids = fields.List(Id(), validate=validate.Length(1, MAX_IDS))
    upTo = Id(metadata={"description": "This notification, and all that were told before it."})
    all = Flag(validate=validate.OneOf([True]))

    @validates_schema
    def one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("Send one of these: ids, upTo, all.", "ids")


class TicketSchema(Schema):
    ticket = fields.String(
        required=True, metadata={"description": "For `?ticket=` of the stream; good once."}
    )
    expiresIn = Count(required=True, metadata={"description": "Seconds."})


class EventSchema(Schema):
    """One event of the stream."""

    id = fields.String(
        required=True,
        validate=Whole("^[0-9]+$"),
        metadata={"description": "Send the last one seen as `Last-Event-ID` to go on from there."},
    )
    event = fields.String(
        required=True,
        validate=validate.OneOf([*NotificationType, RESET]),
        metadata={"description": "`reset`: some can no longer be sent, read the list again."},
    )
    data = fields.String(required=True, metadata={"description": "A `Notification`, as JSON on one line."})


class NotificationRoutes:
    def __init__(
        self, notifications: Notifications, stream: NotificationStream, tickets: StreamTickets
    ) -> None:
        self._notifications = notifications
        self._stream = stream
        self._tickets = tickets

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/notifications", self.list),
            web.get("/notifications/unread-count", self.count),
            web.post("/notifications/read", self.read),
            web.post("/notifications/stream-ticket", self.ticket),
            web.get("/notifications/stream", self.listen, allow_head=False),
        ]

    @docs(
        tags=["notifications"],
        operationId="listNotifications",
        summary="Get your notifications, newest first",
        description="The likes of one post are one notification: the newest, which says how many others there are.",
    )
    @querystring_schema(NotificationsQuery)
    @response_schema(page_of(NotificationSchema), 200)
    @rate_limited(Rate.READS)
    async def list(self, request: web.Request) -> web.Response:
        query = request[QUERY]
        types = {NotificationType(each) for each in query["types"].split(",")} if "types" in query else ()
        page = await self._notifications.list_page(
            current_principal(request).user_id, page_request(request), types, unread=query["unread"]
        )
        return serializers.page_response(request, page, serializers.notification)

    @docs(
        tags=["notifications"], operationId="countUnread", summary="How many notifications you have not read"
    )
    @response_schema(UnreadSchema, 200)
    @rate_limited(Rate.READS)
    async def count(self, request: web.Request) -> web.Response:
        return _left(await self._notifications.count_unread(current_principal(request).user_id))

    @docs(
        tags=["notifications"],
        operationId="readNotifications",
        summary="Mark notifications as read: some, all up to one, or all",
        description="With one of likes, all likes of that post are read. Ids that are not yours are passed over.",
    )
    @json_schema(ReadBody)
    @response_schema(UnreadSchema, 200)
    @rate_limited(Rate.WRITES)
    async def read(self, request: web.Request) -> web.Response:
        body, reader = request[BODY], current_principal(request).user_id
        if "ids" in body:
            ids = [NotificationId(int(each)) for each in body["ids"]]
            return _left(await self._notifications.mark_read(reader, ids))
        up_to = NotificationId(int(body["upTo"])) if "upTo" in body else None
        return _left(await self._notifications.mark_read_up_to(reader, up_to))

    @docs(
        tags=["notifications"],
        operationId="createStreamTicket",
        summary="Get a ticket with which a browser opens the stream once",
        description="For `EventSource`, which sends no `Authorization`: `/notifications/stream?ticket=...`",
    )
    @response_schema(TicketSchema, 200)
    @rate_limited(Rate.WRITES)
    async def ticket(self, request: web.Request) -> web.Response:
        ticket = await self._tickets.issue(current_principal(request))
        return serializers.json_response({"ticket": ticket, "expiresIn": TICKET_TTL_S})

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
            },
            {
                "in": "query",
                "name": "lastEventId",
                "schema": {"type": "string"},
                "description": "The same, for an `EventSource` with a new ticket: it cannot send the header.",
            },
        ],
        description="A ticket is good for one connection: when it ends, get another one, and send `lastEventId`.",
    )
    @rate_limited(Rate.READS)
    @response_schema(EventSchema, 200, description="Events without end")
    @response_schema(ProblemSchema, 400, description="The request has a body")
    @accepts_ticket
    async def listen(self, request: web.Request) -> web.StreamResponse:
        return await self._stream.handle(request, current_principal(request))


def _left(count: int) -> web.Response:
    return serializers.json_response({"count": count})
