"""`/auth/passkeys`: register, list and remove passkeys, and sign in and reauthenticate with them."""

from typing import Any

from aiohttp import web
from marshmallow import EXCLUDE, Schema, fields, validate

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.accounts.reauthentication import (
    REAUTHENTICATION,
    ConfirmationBody,
    ReauthenticationSchema,
    confirmation,
)
from server.handlers.accounts.sessions import NO_STORE
from server.handlers.accounts.sign_ins import SIGNED_IN, SignInResponder
from server.handlers.fields import Id, Name, RequestSchema, Timestamp
from server.handlers.http.client_ip import current_client
from server.handlers.http.operations import Rate, Reply, operation, partial_update
from server.handlers.http.requests import BODY, current_principal, path_id
from server.handlers.schemas import page_of
from server.ids import PasskeyId
from server.services.accounts.authentication.reauthentication import WINDOW_MS
from server.services.accounts.passwordless.passkey_sign_ins import PasskeySignIns
from server.services.accounts.passwordless.passkeys import Passkeys
from server.services.records import Passkey

MAX_NAME, DEFAULT_NAME = 60, "Passkey"
REFUSED = "The passkey, its signature, its origin or the challenge was not accepted"


def _base64(maximum: int, **options: Any) -> fields.String:
    return fields.String(validate=validate.Length(max=maximum), **options)


class _BrowserSchema(Schema):
    """An object that browsers make. They may add members, which are ignored."""

    class Meta:
        unknown = EXCLUDE


class AttestationResponseBody(_BrowserSchema):
    clientDataJSON = _base64(4096, required=True)
    attestationObject = _base64(16_384, required=True)
    transports = fields.List(
        fields.String(validate=validate.Length(max=32)), validate=validate.Length(max=10)
    )


class AssertionResponseBody(_BrowserSchema):
    clientDataJSON = _base64(4096, required=True)
    authenticatorData = _base64(4096, required=True)
    signature = _base64(4096, required=True)
    userHandle = _base64(128, load_default=None, allow_none=True)


class _CredentialBody(_BrowserSchema):
    id = _base64(1400, required=True)
    rawId = _base64(1400, required=True)
    type = fields.String(required=True, validate=validate.OneOf(["public-key"]))


class RegistrationCredentialBody(_CredentialBody):
    response = fields.Nested(AttestationResponseBody, required=True)


class AssertionCredentialBody(_CredentialBody):
    response = fields.Nested(AssertionResponseBody, required=True)


class RegisterPasskeyBody(RequestSchema):
    credential = fields.Nested(
        RegistrationCredentialBody,
        required=True,
        metadata={"description": "`toJSON()` of what `navigator.credentials.create` returned."},
    )
    name = Name(maximum=MAX_NAME, load_default="")


class RenamePasskeyBody(RequestSchema):
    name = Name(maximum=MAX_NAME, required=True)


class PasskeyReauthenticationBody(RequestSchema):
    credential = fields.Nested(
        AssertionCredentialBody,
        required=True,
        metadata={"description": "`toJSON()` of what `navigator.credentials.get` returned."},
    )


class PasskeySignInBody(PasskeyReauthenticationBody):
    deviceToken = fields.String(load_default="", validate=validate.Length(max=2000))


class PasskeyOptionsSchema(Schema):
    publicKey = fields.Dict(
        required=True,
        metadata={
            "description": "For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequest...`."
        },
    )


class PasskeySchema(Schema):
    id = Id(required=True)
    name = fields.String(required=True)
    aaguid = fields.String(required=True, metadata={"description": "The kind of authenticator."})
    backupEligible = fields.Boolean(
        required=True, metadata={"description": "Whether it may be on several devices."}
    )
    backedUp = fields.Boolean(required=True, metadata={"description": "Whether it was, at the last use."})
    createdAt = Timestamp(required=True)
    lastUsedAt = Timestamp(required=True, allow_none=True)


class PasskeyRoutes:
    def __init__(self, passkeys: Passkeys, sign_ins: PasskeySignIns, sign_in: SignInResponder) -> None:
        self._passkeys = passkeys
        self._sign_ins = sign_ins
        self._sign_in = sign_in

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/auth/passkeys", self.list_passkeys),
            web.post("/auth/passkeys/register/begin", self.begin_passkey),
            web.post("/auth/passkeys/register/finish", self.register_passkey),
            web.post("/auth/passkeys/sign-in/begin", self.begin_passkey_sign_in),
            web.post("/auth/passkeys/sign-in/finish", self.sign_in_with_passkey),
            web.post("/auth/passkeys/reauthenticate/begin", self.begin_passkey_reauthentication),
            web.post("/auth/passkeys/reauthenticate/finish", self.reauthenticate_with_passkey),
            *partial_update("/auth/passkeys/{passkeyId}", self.rename_passkey),
            web.delete("/auth/passkeys/{passkeyId}", self.delete_passkey),
        ]

    @operation(
        "listPasskeys",
        "List your passkeys, the oldest first",
        tag="auth",
        description="With the time of their last use.",
        responds={200: page_of(PasskeySchema)},
        rates=(Rate.READS,),
    )
    async def list_passkeys(self, request: web.Request) -> web.Response:
        passkeys = await self._passkeys.list_passkeys(current_principal(request).user_id)
        return serializers.json_response({"items": [_passkey(each) for each in passkeys], "nextCursor": None})

    @operation(
        "beginPasskey",
        "Get the options to create a passkey",
        tag="auth",
        codes={
            403: ("reauthentication_required",),
            409: ("too_many_passkeys",),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        description="They are valid for five minutes, in this session.",
        body=ConfirmationBody,
        responds={200: PasskeyOptionsSchema},
        refuses={**REAUTHENTICATION, 409: "You have 20 passkeys"},
        rates=(Rate.WRITES,),
    )
    async def begin_passkey(self, request: web.Request) -> web.Response:
        options = await self._passkeys.begin_registration(
            current_principal(request), confirmation(request[BODY])
        )
        return _options(options)

    @operation(
        "registerPasskey",
        "Add a passkey to your account",
        tag="auth",
        description="`credential` is what the browser returned for the options of `beginPasskey`.",
        codes={
            409: (
                "passkey_in_use",
                "too_many_passkeys",
            ),
            422: ("invalid_passkey",),
        },
        body=RegisterPasskeyBody,
        responds={201: Reply("Added", PasskeySchema)},
        refuses={409: "A user has this passkey, or you have 20", 422: REFUSED},
        rates=(Rate.WRITES,),
    )
    async def register_passkey(self, request: web.Request) -> web.Response:
        body = request[BODY]
        passkey = await self._passkeys.register(
            current_principal(request), body["credential"], body["name"].strip() or DEFAULT_NAME
        )
        return serializers.json_response(_passkey(passkey), 201)

    @operation(
        "renamePasskey",
        "Rename a passkey",
        tag="auth",
        description="Only you see the name.",
        body=RenamePasskeyBody,
        responds={204: Reply("Renamed")},
        refuses={404: "Passkey not found"},
        rates=(Rate.WRITES,),
    )
    async def rename_passkey(self, request: web.Request) -> web.Response:
        passkey_id = PasskeyId(path_id(request, "passkeyId"))
        name = request[BODY]["name"].strip() or DEFAULT_NAME
        await self._passkeys.rename(current_principal(request).user_id, passkey_id, name)
        return web.Response(status=204)

    @operation(
        "deletePasskey",
        "Remove a passkey from your account",
        tag="auth",
        description=(
            "Refused for the only way to sign in. Needs a session that was reauthenticated within five minutes."
        ),
        codes={403: ("reauthentication_required",), 409: ("last_sign_in_method",)},
        responds={204: Reply("Removed")},
        refuses={
            403: "The session was not reauthenticated within five minutes",
            404: "Passkey not found",
            409: "This is your only way to sign in",
        },
        rates=(Rate.WRITES,),
    )
    async def delete_passkey(self, request: web.Request) -> web.Response:
        passkey_id = PasskeyId(path_id(request, "passkeyId"))
        await self._passkeys.delete(current_principal(request), passkey_id)
        return web.Response(status=204)

    @operation(
        "beginPasskeySignIn",
        "Get the options to sign in with a passkey",
        tag="auth",
        description="They name no user: the browser lets the user choose one of the passkeys for this site. They are"
        " valid for five minutes.",
        responds={200: PasskeyOptionsSchema},
        rates=(Rate.WRITES,),
        public=True,
    )
    async def begin_passkey_sign_in(self, _: web.Request) -> web.Response:
        return _options(self._sign_ins.begin())

    @operation(
        "signInWithPasskey",
        "Sign in with a passkey",
        tag="auth",
        codes={401: ("invalid_passkey",), 403: ("account_suspended",)},
        description="The passkey verifies its user, so an account with a second factor needs no code.",
        body=PasskeySignInBody,
        responds={200: SIGNED_IN},
        refuses={401: REFUSED},
        rates=(Rate.WRITES,),
        public=True,
    )
    async def sign_in_with_passkey(self, request: web.Request) -> web.Response:
        body = request[BODY]
        account = await self._sign_ins.authenticate(
            body["credential"], current_client(request, body["deviceToken"])
        )
        return await self._sign_in.open(request, account)

    @operation(
        "beginPasskeyReauthentication",
        "Get the options to reauthenticate with one of your passkeys",
        tag="auth",
        description="They are valid for five minutes, in this session.",
        responds={200: PasskeyOptionsSchema},
        rates=(Rate.WRITES,),
    )
    async def begin_passkey_reauthentication(self, request: web.Request) -> web.Response:
        return _options(await self._sign_ins.begin_reauthentication(current_principal(request)))

    @operation(
        "reauthenticateWithPasskey",
        "Prove with a passkey that you are the owner of the account",
        tag="auth",
        codes={422: ("invalid_passkey",)},
        description="As `reauthenticate`, without a code.",
        body=PasskeyReauthenticationBody,
        responds={200: ReauthenticationSchema},
        refuses={422: REFUSED},
        rates=(Rate.WRITES,),
    )
    async def reauthenticate_with_passkey(self, request: web.Request) -> web.Response:
        await self._sign_ins.reauthenticate(current_principal(request), request[BODY]["credential"])
        return serializers.json_response({"expiresIn": WINDOW_MS // 1000})


def _options(options: dict[str, Any]) -> web.Response:
    return serializers.json_response({"publicKey": options}, 200, NO_STORE)


def _passkey(record: Passkey) -> dict[str, Any]:
    used_at_ms = record.last_used_at_ms
    return {
        "id": str(record.id),
        "name": record.name,
        "aaguid": record.aaguid,
        "backupEligible": record.backup_eligible,
        "backedUp": record.backed_up,
        "createdAt": isoformat(record.created_at_ms),
        "lastUsedAt": isoformat(used_at_ms) if used_at_ms is not None else None,
    }
