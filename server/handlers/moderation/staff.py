"""`/moderation/staff` and the roles of users, for administrators."""

from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.handlers import serializers
from server.handlers.accounts.reauthentication import REAUTHENTICATION, ConfirmationBody, confirmation
from server.handlers.http.operations import Rate, operation, partial_update
from server.handlers.http.requests import BODY, current_principal, path_user
from server.handlers.user_cards import UserCardSchema, user_card
from server.services.moderation.staff import Staff, StaffMember
from server.services.records import Role


class RoleBody(ConfirmationBody):
    role = fields.Enum(Role, by_value=fields.String, required=True)


class RoleChangeSchema(Schema):
    role = fields.Enum(Role, by_value=fields.String, required=True)
    previousRole = fields.Enum(Role, by_value=fields.String, required=True)


class StaffMemberSchema(Schema):
    user = fields.Nested(UserCardSchema, required=True)
    role = fields.Enum(Role, by_value=fields.String, required=True)


class StaffListSchema(Schema):
    items = fields.List(fields.Nested(StaffMemberSchema), required=True)


class StaffRoutes:
    def __init__(self, staff: Staff) -> None:
        self._staff = staff

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/moderation/staff", self.list_staff),
            *partial_update("/moderation/users/{userId}/role", self.set_role),
        ]

    @operation(
        "listStaff",
        "List the administrators and moderators",
        tag="moderation",
        description="Administrators first, whatever the status of their accounts.",
        responds={200: StaffListSchema},
        admin=True,
        rates=(Rate.READS,),
    )
    async def list_staff(self, _: web.Request) -> web.Response:
        members = await self._staff.list_members()
        return serializers.json_response({"items": [_member(member) for member in members]})

    @operation(
        "setRole",
        "Give a user a role, or take it away with `user`",
        tag="moderation",
        codes={
            403: ("reauthentication_required",),
            409: ("last_administrator",),
            422: ("wrong_password", "wrong_code"),
        },
        description="It applies to the user's next request. The change is recorded in the audit log. The last active"
        " administrator stays one; `run.py role` changes that as well.",
        body=RoleBody,
        responds={200: RoleChangeSchema},
        admin=True,
        refuses={
            403: f"You are not an administrator. {REAUTHENTICATION[403]}",
            404: "User not found",
            409: "The user is the last active administrator",
            422: REAUTHENTICATION[422],
        },
        rates=(Rate.WRITES,),
    )
    async def set_role(self, request: web.Request) -> web.Response:
        body = request[BODY]
        previous = await self._staff.set_role(
            current_principal(request), confirmation(body), path_user(request), body["role"]
        )
        return serializers.json_response({"role": body["role"], "previousRole": previous})


def _member(member: StaffMember) -> dict[str, Any]:
    return {"user": user_card(member.card), "role": member.role}
