"""`/auth`: the devices that are signed in; refresh, sign out, here or elsewhere."""

from typing import Any

from aiohttp import web
from aiohttp_apispec import docs, json_schema, querystring_schema, response_schema
from marshmallow import Schema, fields, validate

from server.handlers import serializers
from server.handlers.http.client_ip import client_ip
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import BODY, current_principal, page_request, path_id, public, user_agent
from server.handlers.schemas import Count, Id, Moment, PageQuery, ProblemSchema, Strict, page_of
from server.ids import SessionId
from server.services.accounts.sessions import Sessions
from server.services.records import TokenPair

NO_STORE = {"Cache-Control": "no-store"}


class RefreshBody(Strict):
    refreshToken = fields.String(
        required=True, validate=validate.Length(max=2000), metadata={"format": "password"}
    )


class TokenPairSchema(Schema):
    accessToken = fields.String(required=True)
    refreshToken = fields.String(required=True)
    tokenType = fields.String(required=True, validate=validate.OneOf(["Bearer"]))
    expiresIn = Count(required=True, metadata={"description": "Seconds, of the access token."})


class LoginSessionSchema(Schema):
    id = Id(required=True)
    user_agent = fields.String(
        required=True, metadata={"description": "What it calls itself: its User-Agent."}
    )
    address = fields.String(required=True)
    createdAt = Moment(required=True)
    lastUsedAt = Moment(required=True)
    current = fields.Boolean(required=True, metadata={"description": "Whether it is the one that asks."})


class SessionRoutes:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/auth/refresh", self.refresh),
            web.post("/auth/logout", self.logout),
            web.get("/auth/sessions", self.devices),
            web.delete("/auth/sessions/{sessionId}", self.end),
        ]

    @docs(
        tags=["auth"], operationId="refreshTokens", summary="Spend a refresh token for a new pair of tokens"
    )
    @json_schema(RefreshBody)
    @response_schema(TokenPairSchema, 200)
    @response_schema(ProblemSchema, 401, description="The refresh token is not valid, or was spent before")
    @rate_limited(Rate.REFRESH)
    @public
    async def refresh(self, request: web.Request) -> web.Response:
        spent = request[BODY]["refreshToken"]
        tokens = await self._sessions.refresh(spent, user_agent(request), client_ip(request))
        return serializers.json_response(token_pair(tokens), 200, NO_STORE)

    @docs(tags=["auth"], operationId="logout", summary="Sign out on this device")
    @response_schema(None, 204, description="Signed out")
    @rate_limited(Rate.WRITES)
    async def logout(self, request: web.Request) -> web.Response:
        asker = current_principal(request)
        await self._sessions.end(asker.user_id, asker.session_id)
        return web.Response(status=204)

    @docs(tags=["auth"], operationId="listSessions", summary="List the devices on which you are signed in")
    @querystring_schema(PageQuery)
    @response_schema(page_of(LoginSessionSchema), 200)
    @rate_limited(Rate.READS)
    async def devices(self, request: web.Request) -> web.Response:
        page = await self._sessions.list_sessions(current_principal(request), page_request(request))
        return serializers.page_response(request, page, serializers.device)

    @docs(tags=["auth"], operationId="revokeSession", summary="Sign out on one of your devices")
    @response_schema(None, 204, description="Signed out")
    @response_schema(ProblemSchema, 404, description="No such session of yours")
    @rate_limited(Rate.WRITES)
    async def end(self, request: web.Request) -> web.Response:
        await self._sessions.end(current_principal(request).user_id, SessionId(path_id(request, "sessionId")))
        return web.Response(status=204)


def token_pair(tokens: TokenPair) -> dict[str, Any]:
    return {
        "accessToken": tokens.access_token,
        "refreshToken": tokens.refresh_token,
        "tokenType": "Bearer",
        "expiresIn": tokens.expires_in_s,
    }
