"""`/notifications`: list notifications and mark them as read; `stream.py` serves the live stream."""

from aiohttp import web

from server.handlers import serializers
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request
from server.handlers.notifications.schemas import (
    NotificationSchema,
    NotificationsQuery,
    ReadNotificationsBody,
    StreamEventSchema,
    StreamTicketSchema,
    UnreadCountSchema,
)
from server.handlers.notifications.serializer import NotificationSerializer
from server.handlers.notifications.stream import NotificationStream
from server.handlers.schemas import page_of
from server.ids import NotificationId
from server.services.notifications.notifications import Notifications
from server.services.notifications.stream_tickets import TICKET_TTL_S, StreamTickets

RESUME_PARAMETERS = (
    {
        "in": "header",
        "name": "Last-Event-ID",
        "schema": {"type": "string"},
        "description": "The last `id:` received. Without it, only new notifications are sent.",
    },
    {
        "in": "query",
        "name": "lastEventId",
        "schema": {"type": "string"},
        "description": "The same for a new `EventSource`, which cannot send the header.",
    },
)


class NotificationRoutes:
    def __init__(
        self,
        notifications: Notifications,
        stream: NotificationStream,
        tickets: StreamTickets,
        rendered: NotificationSerializer,
    ) -> None:
        self._notifications = notifications
        self._stream = stream
        self._tickets = tickets
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/notifications", self.list_notifications),
            web.get("/notifications/unread-count", self.count_unread),
            web.post("/notifications/read", self.read_notifications),
            web.post("/notifications/stream-ticket", self.create_stream_ticket),
            web.get("/notifications/stream", self.stream_notifications, allow_head=False),
        ]

    @operation(
        "listNotifications",
        "Get your notifications, newest first",
        tag="notifications",
        description="The likes of a post or a comment are one notification: the newest, with the number of others. Each"
        " one carries what it shows: the actor with your relationship, a picture of the post, the text of the comment.",
        query=NotificationsQuery,
        responds={200: page_of(NotificationSchema)},
        rates=(Rate.READS,),
        etag=True,
    )
    async def list_notifications(self, request: web.Request) -> web.Response:
        query = request[QUERY]
        user_id, types = current_principal(request).user_id, set(query.get("types", ()))
        page = await self._notifications.list_page(
            user_id, page_request(request), types, unread=query["unread"]
        )
        return serializers.page_response(request, page, self._rendered.notification)

    @operation(
        "countUnread",
        "Count your unread notifications",
        tag="notifications",
        description="For a badge. Cheap enough to poll; the live stream has the changes as they happen.",
        responds={200: UnreadCountSchema},
        rates=(Rate.READS,),
        etag=True,
    )
    async def count_unread(self, request: web.Request) -> web.Response:
        return _unread_count(await self._notifications.count_unread(current_principal(request).user_id))

    @operation(
        "readNotifications",
        "Mark notifications as read: some, all up to one, or all",
        tag="notifications",
        description="A like marks all likes of its post. Ids of other users' notifications are ignored.",
        body=ReadNotificationsBody,
        responds={200: UnreadCountSchema},
        rates=(Rate.WRITES,),
    )
    async def read_notifications(self, request: web.Request) -> web.Response:
        body, reader = request[BODY], current_principal(request)
        if "ids" in body:
            ids = [NotificationId(int(each)) for each in body["ids"]]
            return _unread_count(await self._notifications.mark_read(reader.user_id, ids, reader.session_id))
        up_to = NotificationId(int(body["upTo"])) if "upTo" in body else None
        unread = await self._notifications.mark_read_up_to(reader.user_id, up_to, reader.session_id)
        return _unread_count(unread)

    @operation(
        "createStreamTicket",
        "Create a ticket with which a browser opens the stream once",
        tag="notifications",
        description="For `EventSource`, which sends no `Authorization`: `/notifications/stream?ticket=...`",
        responds={200: StreamTicketSchema},
        rates=(Rate.WRITES,),
    )
    async def create_stream_ticket(self, request: web.Request) -> web.Response:
        ticket = await self._tickets.issue(current_principal(request))
        return serializers.json_response({"ticket": ticket, "expiresIn": TICKET_TTL_S})

    @operation(
        "streamNotifications",
        "Stream your notifications (Server-Sent Events)",
        tag="notifications",
        codes={429: ("too_many_streams",), 503: ("stopping",)},
        description="A ticket is valid for one connection. To reconnect, create another one, and send `lastEventId`.",
        parameters=RESUME_PARAMETERS,
        responds={200: Reply("An endless stream of events", StreamEventSchema, "text/event-stream")},
        refuses={400: "The request has a body"},
        rates=(Rate.READS,),
        accepts_ticket=True,
    )
    async def stream_notifications(self, request: web.Request) -> web.StreamResponse:
        return await self._stream.handle(request, current_principal(request))


def _unread_count(count: int) -> web.Response:
    return serializers.json_response({"count": count})
