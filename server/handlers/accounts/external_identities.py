"""`/auth/oidc`: sign in with identity providers, link and unlink them."""

from aiohttp import web
from marshmallow import fields, validate

from server.handlers import serializers
from server.handlers.accounts.reauthentication import (
    REAUTHENTICATION,
    ConfirmationBody,
    ReauthenticationSchema,
    confirmation,
)
from server.handlers.accounts.sign_ins import CHALLENGED, SIGNED_IN, SignedInSchema, SignInResponder
from server.handlers.fields import CODE, RequestSchema
from server.handlers.http.client_ip import current_client
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, current_principal
from server.handlers.people.profiles import FullNameField, UsernameField
from server.services.accounts.authentication.reauthentication import WINDOW_MS
from server.services.accounts.passwordless.external_identities import ChosenProfile, ExternalIdentities
from server.services.accounts.passwordless.linked_identities import LinkedIdentities
from server.services.accounts.reserved_usernames import check_not_reserved

MAX_ID_TOKEN, MAX_DEVICE_TOKEN = 8192, 2000
REFUSED = "The ID token is of another issuer, audience or nonce, expired, used before, or not signed by the provider"


class IdTokenBody(RequestSchema):
    idToken = fields.String(
        required=True,
        validate=validate.Length(min=1, max=MAX_ID_TOKEN),
        metadata={"format": "password", "description": "From the provider, for one of your client ids."},
    )
    nonce = fields.String(
        required=True,
        validate=[validate.Length(min=8, max=255), validate.Regexp(r"^[!-~]+\Z")],
        metadata={
            "description": "The random text that the app generated for this sign-in. The token has it, or its SHA-256"
            " in hexadecimal.",
            "pattern": "^[!-~]+$",
        },
    )


class ProviderSignInBody(IdTokenBody):
    username = UsernameField(load_default="")
    fullName = FullNameField(load_default="")
    deviceToken = fields.String(load_default="", validate=validate.Length(max=MAX_DEVICE_TOKEN))


class LinkProviderBody(IdTokenBody, ConfirmationBody):
    pass


class ProviderReauthenticationBody(IdTokenBody):
    code = CODE()


class ExternalIdentityRoutes:
    def __init__(
        self, identities: ExternalIdentities, linked: LinkedIdentities, sign_in: SignInResponder
    ) -> None:
        self._identities = identities
        self._linked = linked
        self._sign_in = sign_in

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/auth/oidc/{provider}", self.sign_in_with_provider),
            web.delete("/auth/oidc/{provider}", self.unlink_provider),
            web.post("/auth/oidc/{provider}/link", self.link_provider),
            web.post("/auth/oidc/{provider}/reauthenticate", self.reauthenticate_with_provider),
        ]

    @operation(
        "signInWithProvider",
        "Sign in with an identity provider",
        tag="auth",
        codes={
            401: ("invalid_id_token",),
            403: ("account_suspended",),
            409: ("username_taken",),
            422: (
                "username_reserved",
                "content_refused",
            ),
        },
        description="The first sign-in creates an account, with `username` or a name derived from the token. It never"
        " uses an existing account because of its e-mail address: sign in to that one, and link the provider.",
        body=ProviderSignInBody,
        responds={
            200: SIGNED_IN,
            201: Reply("Registered and signed in", SignedInSchema),
            202: CHALLENGED,
        },
        refuses={401: REFUSED, 404: "The provider is not configured", 409: "The username is taken"},
        rates=(Rate.WRITES,),
        public=True,
    )
    async def sign_in_with_provider(self, request: web.Request) -> web.Response:
        body = request[BODY]
        if body["username"]:
            check_not_reserved(body["username"])
        signed_in = await self._identities.sign_in(
            request.match_info["provider"],
            body["idToken"],
            body["nonce"],
            ChosenProfile(body["username"], body["fullName"]),
            current_client(request, body["deviceToken"]),
        )
        if signed_in.created:
            return await self._sign_in.open_new(request, signed_in.account)
        return await self._sign_in.open(request, signed_in.account)

    @operation(
        "linkProvider",
        "Link an identity provider to your account, to sign in with it",
        tag="auth",
        description="Needs the password, unless the session was reauthenticated within five minutes.",
        codes={
            401: ("invalid_id_token",),
            403: ("reauthentication_required",),
            409: (
                "identity_in_use",
                "provider_linked",
            ),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        body=LinkProviderBody,
        responds={204: Reply("Linked")},
        refuses={
            **REAUTHENTICATION,
            401: REFUSED,
            404: "The provider is not configured",
            409: "Another user has this identity, or you have linked another one of this provider",
        },
        rates=(Rate.WRITES,),
    )
    async def link_provider(self, request: web.Request) -> web.Response:
        body = request[BODY]
        await self._linked.link(
            current_principal(request),
            request.match_info["provider"],
            body["idToken"],
            body["nonce"],
            confirmation(body),
        )
        return web.Response(status=204)

    @operation(
        "unlinkProvider",
        "Unlink an identity provider",
        tag="auth",
        description="Refused for the only way to sign in.",
        codes={403: ("reauthentication_required",), 409: ("last_sign_in_method",)},
        responds={204: Reply("Unlinked")},
        refuses={
            403: "The session was not reauthenticated within five minutes",
            404: "The provider is not linked",
            409: "This is your only way to sign in",
        },
        rates=(Rate.WRITES,),
    )
    async def unlink_provider(self, request: web.Request) -> web.Response:
        await self._linked.unlink(current_principal(request), request.match_info["provider"])
        return web.Response(status=204)

    @operation(
        "reauthenticateWithProvider",
        "Prove with a linked identity provider that you are the owner of the account",
        tag="auth",
        codes={
            401: ("invalid_id_token",),
            403: ("reauthentication_required",),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        description="As `reauthenticate`. The ID token must have been issued within the last five minutes.",
        body=ProviderReauthenticationBody,
        responds={200: ReauthenticationSchema},
        refuses={
            401: REFUSED,
            403: "The code is missing",
            404: "The provider is not configured",
            422: "The code is wrong",
        },
        rates=(Rate.WRITES,),
    )
    async def reauthenticate_with_provider(self, request: web.Request) -> web.Response:
        body = request[BODY]
        await self._linked.reauthenticate(
            current_principal(request),
            request.match_info["provider"],
            body["idToken"],
            body["nonce"],
            body.get("code"),
        )
        return serializers.json_response({"expiresIn": WINDOW_MS // 1000})
