"""`/auth/reauthenticate`: prove again to be the owner; and the members of other bodies that do the same."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aiohttp import web
from marshmallow import Schema

from server.handlers import serializers
from server.handlers.fields import CODE, PASSWORD, Count, RequestSchema
from server.handlers.http.operations import operation
from server.handlers.http.requests import BODY, current_principal
from server.services.accounts.authentication.reauthentication import WINDOW_MS, Reauthentication
from server.services.records import Confirmation

REAUTHENTICATION: Mapping[int, str] = MappingProxyType(
    {
        403: "The request has no password, or no code, and the session was not reauthenticated within five minutes",
        422: "The password or the code is wrong",
    }
)


class ConfirmationBody(RequestSchema):
    """`code` is needed by accounts with a second factor; both may be omitted after `POST /auth/reauthenticate`."""

    password = PASSWORD()
    code = CODE()


class ReauthenticationSchema(Schema):
    expiresIn = Count(
        required=True,
        metadata={"description": "Seconds in which this session needs neither password nor code."},
    )


def confirmation(body: Mapping[str, Any], member: str = "password") -> Confirmation:
    """Return what a body has; `member` has the password."""
    return Confirmation(body.get(member), body.get("code"))


class ReauthenticationRoutes:
    def __init__(self, reauthentication: Reauthentication) -> None:
        self._reauthentication = reauthentication

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/auth/reauthenticate", self.reauthenticate)]

    @operation(
        "reauthenticate",
        "Prove that you are the owner of the account, for changes to it",
        tag="auth",
        codes={
            403: ("reauthentication_required",),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        description="For five minutes, this session may then change the e-mail address, the password and the second"
        " factor, and delete the account, without password and code.",
        body=ConfirmationBody,
        responds={200: ReauthenticationSchema},
        refuses={403: "The password, or the code, is missing", 422: REAUTHENTICATION[422]},
    )
    async def reauthenticate(self, request: web.Request) -> web.Response:
        await self._reauthentication.reauthenticate(current_principal(request), confirmation(request[BODY]))
        return serializers.json_response({"expiresIn": WINDOW_MS // 1000})
