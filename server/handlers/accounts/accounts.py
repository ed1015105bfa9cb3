"""`/auth`: register and sign in."""

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.handlers import serializers
from server.handlers.accounts.sessions import NO_STORE, TokenPairSchema, token_pair
from server.handlers.fields import NEW_PASSWORD, PASSWORD, EmailAddress, RequestSchema, Text
from server.handlers.http.client_ip import client_ip, current_client
from server.handlers.http.idempotency import IdempotentResponder, canonical_json
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, QUERY, user_agent
from server.handlers.people.profiles import FullNameField, ProfileSchema, UsernameField
from server.ids import UserId
from server.services.accounts.accounts import Accounts
from server.services.accounts.password_authentication import AuthenticatedUser, PasswordAuthentication
from server.services.accounts.reserved_usernames import check_not_reserved
from server.services.accounts.sessions import Sessions
from server.services.people.profiles import Profiles


class RegisterBody(RequestSchema):
    username = UsernameField(required=True)
    email = EmailAddress(required=True)
    password = NEW_PASSWORD(required=True)
    fullName = FullNameField(load_default="")


class AvailableQuery(RequestSchema):
    username = UsernameField()
    email = EmailAddress()


class AvailableSchema(Schema):
    """One member per parameter of the query."""

    username = fields.Boolean()
    email = fields.Boolean()


class LoginBody(RequestSchema):
    username = Text(
        maximum=254, required=True, metadata={"description": "Username or verified e-mail address."}
    )
    password = PASSWORD(required=True)
    deviceToken = fields.String(
        load_default="",
        validate=validate.Length(max=2000),
        metadata={"description": "The one that the last sign-in on this device returned."},
    )


class SignedInSchema(TokenPairSchema):
    user = fields.Nested(ProfileSchema, required=True)
    deviceToken = fields.String(
        required=True,
        metadata={
            "description": "Keep it across sign-outs, and send it with the next sign-in on this device: failed sign-ins"
            " of strangers then do not delay it."
        },
    )


class AccountRoutes:
    def __init__(
        self,
        accounts: Accounts,
        password_authentication: PasswordAuthentication,
        sessions: Sessions,
        profiles: Profiles,
        idempotent: IdempotentResponder,
    ) -> None:
        self._accounts = accounts
        self._password_authentication = password_authentication
        self._sessions = sessions
        self._profiles = profiles
        self._idempotent = idempotent

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/auth/available", self.check_available),
            web.post("/auth/register", self.register_user),
            web.post("/auth/login", self.login),
        ]

    @operation(
        "checkAvailable",
        "Check whether a username is free",
        tag="auth",
        description="An e-mail address is always available: whether a user has it is not revealed.",
        query=AvailableQuery,
        responds={200: AvailableSchema},
        rates=(Rate.AVAILABILITY,),
        public=True,
    )
    async def check_available(self, request: web.Request) -> web.Response:
        query, available = request[QUERY], dict[str, bool]()
        if "username" in query:
            available["username"] = await self._accounts.is_username_available(query["username"])
        if "email" in query:
            available["email"] = True
        return serializers.json_response(available)

    @operation(
        "registerUser",
        "Register a new user, and sign in",
        tag="auth",
        description="An e-mail with a link to verify the address is sent. The answer is the same if another account has"
        " the address; its owner gets an e-mail instead.",
        body=RegisterBody,
        responds={201: Reply("Registered and signed in", SignedInSchema)},
        refuses={409: "The username is taken"},
        rates=(Rate.WRITES,),
        success_rates=(Rate.REGISTRATION,),
        public=True,
        idempotent=True,
    )
    async def register_user(self, request: web.Request) -> web.Response:
        body, client = request[BODY], current_client(request)
        check_not_reserved(body["username"])
        return await self._idempotent.respond(
            request,
            canonical_json(request),
            execute=lambda token: self._accounts.register(
                body["username"], body["email"], body["password"], body["fullName"], token, client
            ),
            reload=lambda user_id: self._password_authentication.get_registered(
                UserId(user_id), body["password"], client
            ),
            render=lambda account: self.sign_in(request, account, 201),
            stores_response=False,  # it has tokens; a repeated request opens another session
        )

    @operation(
        "login",
        "Sign in",
        tag="auth",
        body=LoginBody,
        responds={200: Reply("Signed in", SignedInSchema)},
        refuses={401: "The username or the password is wrong"},
        rates=(Rate.WRITES,),  # failures count against limits of their own
        public=True,
    )
    async def login(self, request: web.Request) -> web.Response:
        body = request[BODY]
        account = await self._password_authentication.authenticate(
            body["username"], body["password"], current_client(request, body["deviceToken"])
        )
        return await self.sign_in(request, account, 200)

    async def sign_in(self, request: web.Request, account: AuthenticatedUser, status: int) -> web.Response:
        """Return the response to a sign-in, however the user proved who they are."""
        tokens = await self._sessions.create(
            account.id,
            account.password_changed_at_ms,
            user_agent(request),
            client_ip(request),
            device_id=account.device_id,
            new_device=account.new_device,
        )
        user = await self._profiles.get_own(account.id)
        return serializers.json_response(
            {
                "user": serializers.profile(user),
                **token_pair(tokens),
                "deviceToken": tokens.device_token,
            },
            status,
            NO_STORE,
        )
