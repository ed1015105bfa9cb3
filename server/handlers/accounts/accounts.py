"""`/auth`: register and sign in."""

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.handlers import serializers
from server.handlers.accounts.sign_ins import CHALLENGED, SIGNED_IN, SignedInSchema, SignInResponder
from server.handlers.fields import NEW_PASSWORD, PASSWORD, EmailAddress, RequestSchema, Text
from server.handlers.http.client_ip import current_client
from server.handlers.http.idempotency import IdempotentResponder, canonical_json
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, QUERY
from server.handlers.people.profiles import FullNameField, UsernameField
from server.ids import UserId
from server.services.accounts.accounts import Accounts
from server.services.accounts.password_authentication import PasswordAuthentication
from server.services.accounts.reserved_usernames import check_not_reserved


class RegisterBody(RequestSchema):
    username = UsernameField(required=True)
    email = EmailAddress(required=True)
    password = NEW_PASSWORD(required=True)
    fullName = FullNameField(load_default="")


class AvailableQuery(RequestSchema):
    username = UsernameField()
    email = EmailAddress()


class AvailabilitySchema(Schema):
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


class AccountRoutes:
    def __init__(
        self,
        accounts: Accounts,
        password_authentication: PasswordAuthentication,
        sign_in: SignInResponder,
        idempotent: IdempotentResponder,
    ) -> None:
        self._accounts = accounts
        self._password_authentication = password_authentication
        self._sign_in = sign_in
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
        responds={200: AvailabilitySchema},
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
        codes={
            401: (
                "wrong_credentials",
                "second_factor_required",
            ),
            409: ("username_taken",),
            422: (
                "username_reserved",
                "weak_password",
                "content_refused",
            ),
        },
        description="An e-mail with a link to verify the address is sent. The answer is the same if another account has"
        " the address; its owner gets an e-mail instead.",
        body=RegisterBody,
        responds={201: Reply("Registered and signed in", SignedInSchema)},
        refuses={
            401: "The request was repeated, and the account has another password or a second factor since then",
            409: "The username is taken",
        },
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
            render=lambda account: self._sign_in.open_new(request, account),
            stores_response=False,  # it has tokens; a repeated request opens another session
        )

    @operation(
        "login",
        "Sign in",
        tag="auth",
        codes={401: ("wrong_credentials",), 403: ("account_suspended",)},
        description="An account with a second factor gets 202 without tokens: `verifySecondFactor` completes it.",
        body=LoginBody,
        responds={200: SIGNED_IN, 202: CHALLENGED},
        refuses={401: "The username or the password is wrong"},
        rates=(Rate.WRITES,),  # failures count against limits of their own
        public=True,
    )
    async def login(self, request: web.Request) -> web.Response:
        body = request[BODY]
        account = await self._password_authentication.authenticate(
            body["username"], body["password"], current_client(request, body["deviceToken"])
        )
        return await self._sign_in.open(request, account)
