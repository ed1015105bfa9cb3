"""Responses to a sign-in: tokens, or a challenge for an account with a second factor."""

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.errors import Unauthenticated
from server.handlers import serializers
from server.handlers.accounts.sessions import NO_STORE, TokenPairSchema, token_pair
from server.handlers.fields import Count
from server.handlers.http.client_ip import current_client
from server.handlers.http.operations import Reply
from server.handlers.people.profiles import OwnProfileSchema
from server.ids import UserId
from server.services.accounts.authentication.sign_ins import SignIns
from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.people.profiles import Profiles
from server.services.records import SecondFactorMethod, SignInChallenge, TokenPair


class SignedInSchema(TokenPairSchema):
    user = fields.Nested(OwnProfileSchema, required=True)
    deviceToken = fields.String(
        required=True,
        metadata={
            "description": "Keep it across sign-outs, and send it with the next sign-in on this device: failed sign-ins"
            " of strangers then do not delay it."
        },
    )


class SignInChallengeSchema(Schema):
    challenge = fields.String(
        required=True, metadata={"description": "For `POST /auth/second-factor/verify`, once."}
    )
    methods = fields.List(
        fields.String(validate=validate.OneOf(list(SecondFactorMethod))),
        required=True,
        metadata={"description": "Codes that are accepted. More values may be added."},
    )
    expiresIn = Count(required=True, metadata={"description": "Seconds until the challenge expires."})


class SecondFactorRequiredSchema(Schema):
    """The password was right, and a code is missing."""

    secondFactor = fields.Nested(SignInChallengeSchema, required=True)


SIGNED_IN = Reply("Signed in", SignedInSchema)
CHALLENGED = Reply("The account has a second factor: no session was opened yet", SecondFactorRequiredSchema)


class SignInResponder:
    """Opens sessions, and renders them."""

    def __init__(self, sign_ins: SignIns, profiles: Profiles) -> None:
        self._sign_ins = sign_ins
        self._profiles = profiles

    async def open(self, request: web.Request, account: AuthenticatedUser) -> web.Response:
        """Sign in a user whose first factor was verified."""
        opened = await self._sign_ins.open(account, current_client(request))
        if isinstance(opened, SignInChallenge):
            return serializers.json_response(_challenge(opened), 202, NO_STORE)
        return await self._signed_in(account.id, opened, 200)

    async def open_new(self, request: web.Request, account: AuthenticatedUser) -> web.Response:
        """Sign in a user who has just registered.

        Raises Unauthenticated if the request is a repetition and the user has enabled a second factor since then.
        """
        opened = await self._sign_ins.open(account, current_client(request))
        if isinstance(opened, SignInChallenge):
            raise Unauthenticated("This account has a second factor. Sign in.", code="second_factor_required")
        return await self._signed_in(account.id, opened, 201)

    async def complete(self, request: web.Request, challenge: str, code: str) -> web.Response:
        """Complete a sign-in with a code of the second factor."""
        user_id, tokens = await self._sign_ins.complete(challenge, code, current_client(request))
        return await self._signed_in(user_id, tokens, 200)

    async def _signed_in(self, user_id: UserId, tokens: TokenPair, status: int) -> web.Response:
        user = await self._profiles.get_own(user_id)
        body = {
            "user": serializers.profile(user),
            **token_pair(tokens),
            "deviceToken": tokens.device_token,
        }
        return serializers.json_response(body, status, NO_STORE)


def _challenge(record: SignInChallenge) -> dict[str, object]:
    return {
        "secondFactor": {
            "challenge": record.token,
            "methods": list(record.methods),
            "expiresIn": record.expires_in_s,
        }
    }
