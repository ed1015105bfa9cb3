"""`/auth`: verify and change an e-mail address, and take an account back."""

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.handlers import serializers
from server.handlers.accounts.reauthentication import REAUTHENTICATION, ConfirmationBody, confirmation
from server.handlers.accounts.sessions import NO_STORE
from server.handlers.fields import Count, EmailAddress, RequestSchema
from server.handlers.http.operations import Reply, operation
from server.handlers.http.requests import BODY, current_principal
from server.services.accounts.account_recovery import AccountRecovery
from server.services.accounts.email_verification import EmailVerification


class EmailTokenBody(RequestSchema):
    token = fields.String(required=True, validate=validate.Length(max=200), metadata={"format": "password"})


class ChangeEmailBody(ConfirmationBody):
    newEmail = EmailAddress(required=True)


class RecoveredAccountSchema(Schema):
    resetToken = fields.String(required=True, metadata={"description": "For `POST /auth/reset-password`."})
    expiresIn = Count(required=True, metadata={"description": "Seconds until the reset token expires."})


class EmailAddressRoutes:
    """`reset_ttl_s` is the lifetime of reset tokens."""

    def __init__(self, verification: EmailVerification, recovery: AccountRecovery, reset_ttl_s: int) -> None:
        self._verification = verification
        self._recovery = recovery
        self._reset_ttl_s = reset_ttl_s

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/auth/verify-email", self.verify_email),
            web.post("/auth/verify-email/resend", self.resend_verification),
            web.post("/auth/change-email", self.change_email),
            web.post("/auth/recover-account", self.recover_account),
        ]

    @operation(
        "verifyEmail",
        "Verify an e-mail address with a token from an e-mail",
        tag="auth",
        codes={422: ("invalid_verification_token",)},
        description="A pending address becomes the address of the account.",
        body=EmailTokenBody,
        responds={204: Reply("Verified")},
        refuses={422: "The token is unknown, used or expired, or another account has verified the address"},
        public=True,
    )
    async def verify_email(self, request: web.Request) -> web.Response:
        await self._verification.verify(request[BODY]["token"])
        return web.Response(status=204)

    @operation(
        "resendVerification",
        "Request another e-mail that verifies your address",
        tag="auth",
        description="Does nothing if there is no address to verify.",
        responds={202: Reply("If an address has to be verified, an e-mail is sent to it")},
    )
    async def resend_verification(self, request: web.Request) -> web.Response:
        await self._verification.resend(current_principal(request).user_id)
        return web.Response(status=202)

    @operation(
        "changeEmail",
        "Change your e-mail address",
        tag="auth",
        codes={
            403: ("reauthentication_required",),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        description="The new address gets an e-mail with a link, and replaces the current one when it is verified. The"
        " answer is the same if another account has the address.",
        body=ChangeEmailBody,
        responds={202: Reply("The new address is pending")},
        refuses=REAUTHENTICATION,
    )
    async def change_email(self, request: web.Request) -> web.Response:
        body = request[BODY]
        await self._verification.request_change(
            current_principal(request), confirmation(body), body["newEmail"]
        )
        return web.Response(status=202)

    @operation(
        "recoverAccount",
        "Take your account back from another person, with a token from an e-mail",
        tag="auth",
        codes={409: ("email_in_use",), 422: ("invalid_recovery_token",)},
        description="Restores the e-mail address that the token was sent to, signs out on every device and invalidates"
        " the password. The answer has a token for a new one. A second factor that was enabled within the last seven"
        " days is removed.",
        body=EmailTokenBody,
        responds={200: Reply("Recovered", RecoveredAccountSchema)},
        refuses={
            409: "Another account has verified the address",
            422: "The token is unknown, used or expired",
        },
        public=True,
    )
    async def recover_account(self, request: web.Request) -> web.Response:
        reset_token = await self._recovery.recover(request[BODY]["token"])
        body = {"resetToken": reset_token, "expiresIn": self._reset_ttl_s}
        return serializers.json_response(body, 200, NO_STORE)
