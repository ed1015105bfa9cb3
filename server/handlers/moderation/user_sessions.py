"""`/moderation/users/{userId}/sessions`: where a user is signed in, for administrators."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.fields import Id, Timestamp
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import current_principal, page_request, path_id, path_user
from server.handlers.schemas import PageQuery, page_of
from server.ids import SessionId
from server.services.moderation.session_administration import ListedSession, SessionAdministration
from server.services.records import SecondFactorMethod, SignInMethod


class UserSessionSchema(Schema):
    """A session of another user. Its address is reduced to a network."""

    id = Id(required=True)
    device = fields.String(required=True, metadata={"description": "The client's User-Agent."})
    network = fields.String(
        required=True, metadata={"description": "The network of the last use: an IPv4 /24 or an IPv6 /48."}
    )
    createdAt = Timestamp(required=True)
    lastUsedAt = Timestamp(required=True)
    current = fields.Boolean(required=True, metadata={"description": "Whether this request belongs to it."})
    method = fields.String(
        required=True,
        validate=validate.OneOf(list(SignInMethod)),
        metadata={"description": "How the user signed in. More values may be added."},
    )
    secondFactor = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(list(SecondFactorMethod)),
        metadata={"description": "The code that completed the sign-in; null without one."},
    )


class UserSessionRoutes:
    def __init__(self, sessions: SessionAdministration) -> None:
        self._sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/moderation/users/{userId}/sessions", self.list_user_sessions),
            web.delete("/moderation/users/{userId}/sessions", self.end_user_sessions),
            web.delete("/moderation/users/{userId}/sessions/{sessionId}", self.end_user_session),
        ]

    @operation(
        "listUserSessions",
        "List the sessions in which a user is signed in",
        tag="moderation",
        description="Newest first, with the network instead of the address.",
        query=PageQuery,
        responds={200: page_of(UserSessionSchema)},
        admin=True,
        refuses={404: "User not found"},
        rates=(Rate.READS,),
    )
    async def list_user_sessions(self, request: web.Request) -> web.Response:
        page = await self._sessions.list_sessions(
            path_user(request), page_request(request), current_principal(request).session_id
        )
        return serializers.page_response(request, page, _session)

    @operation(
        "endUserSessions",
        "Sign a user out on all devices",
        tag="moderation",
        description="The tokens stop working at once. It is recorded in the audit log.",
        responds={204: Reply("Signed out")},
        admin=True,
        refuses={404: "User not found"},
        rates=(Rate.WRITES,),
    )
    async def end_user_sessions(self, request: web.Request) -> web.Response:
        await self._sessions.end_all(current_principal(request).user_id, path_user(request))
        return web.Response(status=204)

    @operation(
        "endUserSession",
        "End one session of a user",
        tag="moderation",
        description="Its tokens stop working at once. It is recorded in the audit log.",
        responds={204: Reply("Signed out")},
        admin=True,
        refuses={404: "User or session not found"},
        rates=(Rate.WRITES,),
    )
    async def end_user_session(self, request: web.Request) -> web.Response:
        session_id = SessionId(path_id(request, "sessionId"))
        await self._sessions.end(current_principal(request).user_id, path_user(request), session_id)
        return web.Response(status=204)


def _session(listed: ListedSession) -> dict[str, Any]:
    session = listed.session
    return {
        "id": str(session.id),
        "device": session.user_agent,
        "network": listed.network,
        "createdAt": isoformat(session.created_at_ms),
        "lastUsedAt": isoformat(session.last_used_at_ms),
        "current": session.current,
        "method": session.method,
        "secondFactor": session.second_factor,
    }
