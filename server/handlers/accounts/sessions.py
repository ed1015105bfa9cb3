"""`/auth`: refresh tokens, and list and end sessions."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.handlers import serializers
from server.handlers.fields import Count, Id, RequestSchema, Timestamp
from server.handlers.http.client_ip import client_ip
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, current_principal, page_request, path_id, user_agent
from server.handlers.schemas import PageQuery, page_of
from server.ids import SessionId
from server.services.accounts.sessions import Sessions
from server.services.records import SecondFactorMethod, SignInMethod, TokenPair

NO_STORE = {"Cache-Control": "no-store"}


class RefreshBody(RequestSchema):
    refreshToken = fields.String(
        required=True, validate=validate.Length(max=2000), metadata={"format": "password"}
    )


class TokenPairSchema(Schema):
    accessToken = fields.String(required=True)
    refreshToken = fields.String(required=True)
    tokenType = fields.String(required=True, validate=validate.OneOf(["Bearer"]))
    expiresIn = Count(required=True, metadata={"description": "Seconds until the access token expires."})


class LoginSessionSchema(Schema):
    id = Id(required=True)
    device = fields.String(required=True, metadata={"description": "The client's User-Agent."})
    address = fields.String(required=True)
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


class SessionRoutes:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/auth/refresh", self.refresh_tokens),
            web.post("/auth/logout", self.logout),
            web.get("/auth/sessions", self.list_sessions),
            web.delete("/auth/sessions", self.revoke_other_sessions),
            web.delete("/auth/sessions/{sessionId}", self.revoke_session),
        ]

    @operation(
        "refreshTokens",
        "Exchange a refresh token for a new token pair",
        tag="auth",
        description=(
            "Each refresh token can be used once. A second use within ten seconds gets the same tokens, so that"
            " concurrent tabs stay signed in; a later one ends the session."
        ),
        codes={401: ("invalid_refresh_token",)},
        body=RefreshBody,
        responds={200: TokenPairSchema},
        refuses={401: "The refresh token is invalid or already used"},
        rates=(Rate.REFRESH,),
        public=True,
    )
    async def refresh_tokens(self, request: web.Request) -> web.Response:
        refresh_token = request[BODY]["refreshToken"]
        tokens = await self._sessions.refresh(refresh_token, user_agent(request), client_ip(request))
        return serializers.json_response(token_pair(tokens), 200, NO_STORE)

    @operation(
        "logout",
        "Sign out on this device",
        tag="auth",
        description="Ends the session of the access token: its tokens, streams and push registration stop working.",
        responds={204: Reply("Signed out")},
        rates=(Rate.WRITES,),
    )
    async def logout(self, request: web.Request) -> web.Response:
        principal = current_principal(request)
        await self._sessions.end(principal.user_id, principal.session_id)
        return web.Response(status=204)

    @operation(
        "listSessions",
        "List the sessions in which you are signed in",
        tag="auth",
        description="Newest use first. `current` marks the session of this request.",
        query=PageQuery,
        responds={200: page_of(LoginSessionSchema)},
        rates=(Rate.READS,),
    )
    async def list_sessions(self, request: web.Request) -> web.Response:
        page = await self._sessions.list_sessions(current_principal(request), page_request(request))
        return serializers.page_response(request, page, serializers.login_session)

    @operation(
        "revokeOtherSessions",
        "Sign out on all other devices",
        tag="auth",
        description="The session of this request goes on.",
        responds={204: Reply("Signed out")},
        rates=(Rate.WRITES,),
    )
    async def revoke_other_sessions(self, request: web.Request) -> web.Response:
        await self._sessions.end_others(current_principal(request))
        return web.Response(status=204)

    @operation(
        "revokeSession",
        "End one of your sessions",
        tag="auth",
        description="Its tokens stop working at once.",
        responds={204: Reply("Signed out")},
        refuses={404: "Session not found"},
        rates=(Rate.WRITES,),
    )
    async def revoke_session(self, request: web.Request) -> web.Response:
        session_id = SessionId(path_id(request, "sessionId"))
        await self._sessions.end(current_principal(request).user_id, session_id)
        return web.Response(status=204)


def token_pair(tokens: TokenPair) -> dict[str, Any]:
    return {
        "accessToken": tokens.access_token,
        "refreshToken": tokens.refresh_token,
        "tokenType": "Bearer",
        "expiresIn": tokens.expires_in_s,
    }
