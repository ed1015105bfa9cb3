"""`/auth/second-factor`: set up, use and remove a second factor."""

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.accounts.reauthentication import REAUTHENTICATION, ConfirmationBody, confirmation
from server.handlers.accounts.sessions import NO_STORE
from server.handlers.accounts.sign_ins import SIGNED_IN, SignInResponder
from server.handlers.fields import CODE, Count, RequestSchema, Timestamp
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, current_principal
from server.services.accounts.authentication.second_factors import SecondFactors

NOT_ENABLED = "You have no second factor"


class SecondFactorCodeBody(RequestSchema):
    code = CODE(required=True)


class VerifySecondFactorBody(SecondFactorCodeBody):
    challenge = fields.String(
        required=True, validate=validate.Length(max=200), metadata={"format": "password"}
    )


class SecondFactorSchema(Schema):
    enabled = fields.Boolean(required=True)
    enabledAt = Timestamp(required=True, allow_none=True)
    recoveryCodesLeft = Count(required=True)


class SecondFactorSetupSchema(Schema):
    secret = fields.String(required=True, metadata={"description": "In base32, to be typed into the app."})
    uri = fields.String(
        required=True, metadata={"description": "An `otpauth` URI with the secret, to be shown as a QR code."}
    )


class RecoveryCodeListSchema(Schema):
    recoveryCodes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Each replaces one code of the app. They are shown this once."},
    )


class SecondFactorRoutes:
    def __init__(self, second_factors: SecondFactors, sign_in: SignInResponder) -> None:
        self._second_factors = second_factors
        self._sign_in = sign_in

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/auth/second-factor", self.get_second_factor),
            web.delete("/auth/second-factor", self.disable_second_factor),
            web.post("/auth/second-factor/setup", self.set_up_second_factor),
            web.post("/auth/second-factor/confirm", self.confirm_second_factor),
            web.post("/auth/second-factor/recovery-codes", self.renew_recovery_codes),
            web.post("/auth/second-factor/verify", self.verify_second_factor),
        ]

    @operation(
        "getSecondFactor",
        "Get whether you have a second factor",
        tag="auth",
        description="With the number of recovery codes that are left.",
        responds={200: SecondFactorSchema},
        rates=(Rate.READS,),
    )
    async def get_second_factor(self, request: web.Request) -> web.Response:
        status = await self._second_factors.get_status(current_principal(request).user_id)
        at_ms = status.enabled_at_ms
        body = {
            "enabled": at_ms is not None,
            "enabledAt": isoformat(at_ms) if at_ms is not None else None,
            "recoveryCodesLeft": status.recovery_codes_left,
        }
        return serializers.json_response(body)

    @operation(
        "setUpSecondFactor",
        "Begin to set up a second factor: an authenticator app",
        tag="auth",
        codes={
            403: ("reauthentication_required",),
            409: ("second_factor_enabled",),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        description="The second factor counts once `confirmSecondFactor` got a code, within an hour.",
        body=ConfirmationBody,
        responds={200: SecondFactorSetupSchema},
        refuses={**REAUTHENTICATION, 409: "You already have a second factor"},
    )
    async def set_up_second_factor(self, request: web.Request) -> web.Response:
        setup = await self._second_factors.set_up(current_principal(request), confirmation(request[BODY]))
        return serializers.json_response({"secret": setup.secret, "uri": setup.uri}, 200, NO_STORE)

    @operation(
        "confirmSecondFactor",
        "Enable the second factor with a code of the authenticator app",
        tag="auth",
        description="Returns the recovery codes. They are shown only once.",
        codes={
            409: (
                "no_second_factor_setup",
                "second_factor_enabled",
            ),
            422: ("wrong_code",),
        },
        body=SecondFactorCodeBody,
        responds={200: RecoveryCodeListSchema},
        refuses={
            409: "No set-up was begun within the last hour, or it was confirmed",
            422: "The code is wrong",
        },
    )
    async def confirm_second_factor(self, request: web.Request) -> web.Response:
        codes = await self._second_factors.enable(current_principal(request), request[BODY]["code"])
        return serializers.json_response({"recoveryCodes": codes}, 200, NO_STORE)

    @operation(
        "renewRecoveryCodes",
        "Replace your recovery codes",
        tag="auth",
        description="The old ones stop working.",
        codes={
            403: ("reauthentication_required",),
            404: ("no_second_factor",),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        body=ConfirmationBody,
        responds={200: RecoveryCodeListSchema},
        refuses={**REAUTHENTICATION, 404: NOT_ENABLED},
    )
    async def renew_recovery_codes(self, request: web.Request) -> web.Response:
        codes = await self._second_factors.renew_recovery_codes(
            current_principal(request), confirmation(request[BODY])
        )
        return serializers.json_response({"recoveryCodes": codes}, 200, NO_STORE)

    @operation(
        "disableSecondFactor",
        "Remove your second factor and its recovery codes",
        tag="auth",
        description="You are notified by e-mail.",
        codes={
            403: ("reauthentication_required",),
            404: ("no_second_factor",),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        body=ConfirmationBody,
        responds={204: Reply("Removed")},
        refuses={**REAUTHENTICATION, 404: NOT_ENABLED},
    )
    async def disable_second_factor(self, request: web.Request) -> web.Response:
        await self._second_factors.disable(current_principal(request), confirmation(request[BODY]))
        return web.Response(status=204)

    @operation(
        "verifySecondFactor",
        "Complete a sign-in with a code",
        tag="auth",
        codes={401: ("second_factor_failed",), 403: ("account_suspended",)},
        description="A challenge takes five codes, and each code is valid once.",
        body=VerifySecondFactorBody,
        responds={200: SIGNED_IN},
        refuses={
            401: "The code is wrong or was used before, or the challenge is unknown, expired, exhausted or used"
        },
        rates=(Rate.WRITES,),  # wrong codes count against limits of their own
        public=True,
    )
    async def verify_second_factor(self, request: web.Request) -> web.Response:
        body = request[BODY]
        return await self._sign_in.complete(request, body["challenge"], body["code"])
