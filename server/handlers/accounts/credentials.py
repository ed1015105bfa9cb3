"""`/auth`: change a password, or replace one that was forgotten."""

from aiohttp import web
from aiohttp_apispec import docs, json_schema, response_schema
from marshmallow import fields, validate

from server.handlers.http.rate_limiting import Rate, rate_limited, rate_limited_by
from server.handlers.http.requests import BODY, current_principal, public
from server.handlers.people.profiles import EMAIL
from server.handlers.schemas import NEW_PASSWORD, PASSWORD, ProblemSchema, Strict
from server.services.accounts.credentials import Credentials


class ChangeBody(Strict):
    oldPassword = PASSWORD(required=True)
    newPassword = NEW_PASSWORD(required=True)


class ForgotBody(Strict):
    email = EMAIL(required=True)


class ResetBody(Strict):
    token = fields.String(required=True, validate=validate.Length(max=200), metadata={"format": "password"})
    newPassword = NEW_PASSWORD(required=True)


class CredentialRoutes:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/auth/change-password", self.change),
            web.post("/auth/forgot-password", self.forget),
            web.post("/auth/reset-password", self.reset),
        ]

    @docs(
        tags=["auth"],
        operationId="changePassword",
        summary="Change your password; your other devices are signed out",
    )
    @json_schema(ChangeBody)
    @response_schema(None, 204, description="Changed")
    @response_schema(ProblemSchema, 422, description="The old password is wrong")
    @rate_limited(Rate.DEFAULT)
    async def change(self, request: web.Request) -> web.Response:
        body = request[BODY]
        await self._credentials.change_password(
            current_principal(request), body["oldPassword"], body["newPassword"]
        )
        return web.Response(status=204)

    @docs(
        tags=["auth"],
        operationId="forgotPassword",
        summary="Have a link mailed to choose a new password with",
    )
    @json_schema(ForgotBody)
    @response_schema(
        None, 202, description="If there is an account with this address, a letter is on its way"
    )
    @rate_limited(Rate.DEFAULT)
    @rate_limited_by("email", Rate.FORGOT)
    @public
    async def forget(self, request: web.Request) -> web.Response:
        await self._credentials.request_reset(request[BODY]["email"])
        return web.Response(status=202)

    @docs(
        tags=["auth"],
        operationId="resetPassword",
        summary="Choose a new password with a mailed token; every device is signed out",
    )
    @json_schema(ResetBody)
    @response_schema(None, 204, description="Changed")
    @response_schema(ProblemSchema, 422, description="The token is unknown, used or expired")
    @rate_limited(Rate.DEFAULT)
    @public
    async def reset(self, request: web.Request) -> web.Response:
        body = request[BODY]
        await self._credentials.reset_password(body["token"], body["newPassword"])
        return web.Response(status=204)
