"""`/users/profile`: deactivate or delete your account."""

from aiohttp import web
from marshmallow import Schema

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.accounts.reauthentication import REAUTHENTICATION, ConfirmationBody, confirmation
from server.handlers.fields import Timestamp
from server.handlers.http.operations import Reply, operation
from server.handlers.http.requests import BODY, current_principal
from server.services.accounts.account_closures import AccountClosures


class AccountDeletionSchema(Schema):
    deletedAt = Timestamp(required=True)


class ClosureRoutes:
    def __init__(self, closures: AccountClosures) -> None:
        self._closures = closures

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/users/profile/deactivate", self.deactivate_account),
            web.delete("/users/profile", self.delete_account),
        ]

    @operation(
        "deactivateAccount",
        "Hide your account until you sign in again",
        tag="users",
        codes={
            403: (
                "reauthentication_required",
                "account_suspended",
            ),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        description="Others do not see anything of you, and you are signed out on every device.",
        body=ConfirmationBody,
        responds={204: Reply("Deactivated")},
        refuses=REAUTHENTICATION,
    )
    async def deactivate_account(self, request: web.Request) -> web.Response:
        await self._closures.deactivate(current_principal(request), confirmation(request[BODY]))
        return web.Response(status=204)

    @operation(
        "deleteAccount",
        "Delete your account",
        tag="users",
        codes={
            403: (
                "reauthentication_required",
                "account_suspended",
            ),
            422: (
                "wrong_password",
                "wrong_code",
            ),
        },
        description="As `deactivateAccount`. Signing in before `deletedAt` cancels it; then all you did is erased.",
        body=ConfirmationBody,
        responds={202: AccountDeletionSchema},
        refuses=REAUTHENTICATION,
    )
    async def delete_account(self, request: web.Request) -> web.Response:
        delete_after_ms = await self._closures.delete(current_principal(request), confirmation(request[BODY]))
        return serializers.json_response({"deletedAt": isoformat(delete_after_ms)}, 202)
