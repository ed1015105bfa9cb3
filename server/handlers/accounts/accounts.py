"""`/auth`: register and sign in."""

from aiohttp import web
from aiohttp_apispec import docs, json_schema, response_schema
from marshmallow import fields

from server.handlers import serializers
from server.handlers.accounts.sessions import NO_STORE, TokenPairSchema, token_pair
from server.handlers.http.client_ip import client_ip
from server.handlers.http.idempotency import IdempotentResponder, idempotent, json_content
from server.handlers.http.rate_limiting import Rate, rate_limited, rate_limited_by
from server.handlers.http.requests import BODY, public, user_agent
from server.handlers.people.profiles import EMAIL, FULL_NAME, USERNAME, ProfileSchema
from server.handlers.schemas import NEW_PASSWORD, PASSWORD, ProblemSchema, Strict, Text
from server.ids import UserId
from server.services.accounts.accounts import Accounts, AuthenticatedUser
from server.services.accounts.sessions import Sessions
from server.services.people.profiles import Profiles


class RegisterBody(Strict):
    username = USERNAME(required=True)
    email = EMAIL(required=True)
    password = NEW_PASSWORD(required=True)
    fullName = FULL_NAME(load_default="")


class LoginBody(Strict):
    username = Text(maximum=254, required=True, metadata={"description": "User name or e-mail."})
    password = PASSWORD(required=True)


class SignedInSchema(TokenPairSchema):
    user = fields.Nested(ProfileSchema, required=True)


class AccountRoutes:
    def __init__(
        self, accounts: Accounts, sessions: Sessions, profiles: Profiles, repeats: IdempotentResponder
    ) -> None:
        self._accounts = accounts
        self._repeats = repeats
        self._sessions = sessions
        self._profiles = profiles

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/auth/register", self.register), web.post("/auth/login", self.login)]

    @docs(tags=["auth"], operationId="registerUser", summary="Register a new user")
    @idempotent
    @json_schema(RegisterBody)
    @response_schema(SignedInSchema, 201, description="Registered and signed in")
    @response_schema(ProblemSchema, 409, description="The user name or the e-mail is taken")
    @public
    @rate_limited(Rate.REGISTRATION)
    async def register(self, request: web.Request) -> web.Response:
        body = request[BODY]
        return await self._repeats.answer(
            request,
            json_content(request),
            do=lambda once: self._accounts.register(
                body["username"], body["email"], body["password"], body["fullName"], once
            ),
            # Not kept: the answer holds tokens. A repeated one is a session of its own.
            again=lambda user_id: self._accounts.get_registered(UserId(user_id), body["password"]),
            render=lambda account: self._signed_in(request, account, 201),
            secret=True,
        )

    @docs(tags=["auth"], operationId="login", summary="Sign in")
    @json_schema(LoginBody)
    @response_schema(SignedInSchema, 200, description="Signed in")
    @response_schema(ProblemSchema, 401, description="The user name or the password is wrong")
    @public
    @rate_limited(Rate.LOGIN)
    @rate_limited_by("username", Rate.LOGIN_ACCOUNT)
    async def login(self, request: web.Request) -> web.Response:
        body = request[BODY]
        account = await self._accounts.authenticate(body["username"], body["password"])
        return await self._signed_in(request, account, 200)

    async def _signed_in(self, request: web.Request, account: AuthenticatedUser, status: int) -> web.Response:
        tokens = await self._sessions.create(
            account.id, account.password_changed_at_ms, user_agent(request), client_ip(request)
        )
        user = await self._profiles.own(account.id)
        return serializers.json_response(
            {"user": serializers.profile(user), **token_pair(tokens)}, status, NO_STORE
        )
