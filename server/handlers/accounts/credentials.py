"""`/auth`: change or reset a password."""

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.accounts.email_addresses import EmailTokenBody
from server.handlers.accounts.reauthentication import REAUTHENTICATION, confirmation
from server.handlers.accounts.sessions import NO_STORE
from server.handlers.fields import CODE, NEW_PASSWORD, PASSWORD, EmailAddress, RequestSchema
from server.handlers.http.operations import Reply, operation
from server.handlers.http.requests import BODY, current_principal
from server.services.accounts.credentials import Credentials


class ChangePasswordBody(RequestSchema):
    oldPassword = PASSWORD()
    code = CODE()
    newPassword = NEW_PASSWORD(required=True)


class ForgotPasswordBody(RequestSchema):
    email = EmailAddress(required=True)


class ResetPasswordBody(EmailTokenBody):
    newPassword = NEW_PASSWORD(required=True)


class PasswordResetSchema(Schema):
    deviceToken = fields.String(
        required=True,
        metadata={"description": "For the next sign-in on this device; see `POST /auth/login`."},
    )


class CredentialRoutes:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/auth/change-password", self.change_password),
            web.post("/auth/forgot-password", self.forgot_password),
            web.post("/auth/reset-password", self.reset_password),
        ]

    @operation(
        "changePassword",
        "Change your password, and sign out on your other devices",
        tag="auth",
        description="Needs the old password, unless the session was reauthenticated within five minutes.",
        codes={
            403: ("reauthentication_required",),
            422: (
                "wrong_password",
                "wrong_code",
                "weak_password",
            ),
        },
        body=ChangePasswordBody,
        responds={204: Reply("Changed")},
        refuses=REAUTHENTICATION,
    )
    async def change_password(self, request: web.Request) -> web.Response:
        body = request[BODY]
        await self._credentials.change_password(
            current_principal(request), confirmation(body, "oldPassword"), body["newPassword"]
        )
        return web.Response(status=204)

    @operation(
        "forgotPassword",
        "Request a password reset e-mail",
        tag="auth",
        description="Always answers 202: whether an account has the address is not revealed.",
        body=ForgotPasswordBody,
        responds={202: Reply("If an account has this address, an e-mail is sent to it")},
        public=True,
    )
    async def forgot_password(self, request: web.Request) -> web.Response:
        await self._credentials.request_reset(request[BODY]["email"])
        return web.Response(status=202)

    @operation(
        "resetPassword",
        "Set a new password with a token from an e-mail, and sign out on every device",
        tag="auth",
        description="The token of the e-mail works once. A second factor stays enabled.",
        codes={
            422: (
                "invalid_reset_token",
                "weak_password",
            )
        },
        body=ResetPasswordBody,
        responds={200: Reply("Changed", PasswordResetSchema)},
        refuses={422: "The token is unknown, used or expired"},
        public=True,
    )
    async def reset_password(self, request: web.Request) -> web.Response:
        body = request[BODY]
        device_token = await self._credentials.reset_password(body["token"], body["newPassword"])
        return serializers.json_response({"deviceToken": device_token}, 200, NO_STORE)
