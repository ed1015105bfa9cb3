"""`/auth/methods`: the ways in which you can sign in."""

from aiohttp import web
from marshmallow import Schema, fields

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.fields import Count, Timestamp
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import current_principal
from server.services.accounts.passwordless.sign_in_methods import MethodList


class LinkedProviderSchema(Schema):
    name = fields.String(required=True)
    email = fields.String(
        required=True,
        metadata={"description": "The address that the provider named when it was linked, or empty."},
    )
    linkedAt = Timestamp(required=True)


class SignInMethodsSchema(Schema):
    password = fields.Boolean(required=True)
    providers = fields.List(fields.Nested(LinkedProviderSchema), required=True)
    passkeys = Count(required=True, metadata={"description": "Their number."})
    secondFactor = fields.Boolean(required=True)


class SignInMethodRoutes:
    def __init__(self, methods: MethodList) -> None:
        self._methods = methods

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/auth/methods", self.list_sign_in_methods)]

    @operation(
        "listSignInMethods",
        "List the ways in which you can sign in",
        tag="auth",
        description="Password, passkeys, identity providers and second factor.",
        responds={200: SignInMethodsSchema},
        rates=(Rate.READS,),
    )
    async def list_sign_in_methods(self, request: web.Request) -> web.Response:
        methods = await self._methods.get(current_principal(request).user_id)
        body = {
            "password": methods.password,
            "providers": [
                {"name": each.name, "email": each.email, "linkedAt": isoformat(each.linked_at_ms)}
                for each in methods.providers
            ],
            "passkeys": methods.passkeys,
            "secondFactor": methods.second_factor,
        }
        return serializers.json_response(body)
