"""`/devices`: where pushes go."""

from aiohttp import web
from aiohttp_apispec import docs, json_schema, response_schema
from marshmallow import Schema, fields, validate

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import BODY, current_principal
from server.handlers.schemas import Id, Moment, Strict, Whole
from server.services.notifications.devices import Devices
from server.services.records import Platform

# Printable ASCII: what Firebase calls one is letters, digits, and a few of these.
TOKEN = (validate.Length(1, 2048), Whole(r"^[\x21-\x7e]+$", error="Not a registration token."))


class RegistrationBody(Strict):
    token = fields.String(
        required=True,
        validate=[*TOKEN],
        metadata={"description": "The app's registration token of Firebase Cloud Messaging."},
    )
    platform = fields.Enum(Platform, by_value=fields.String, required=True)


class ForgottenBody(Strict):
    token = fields.String(required=True, validate=[*TOKEN])
    platform = fields.Enum(Platform, by_value=fields.String)


class PushDeviceSchema(Schema):
    id = Id(required=True)
    platform = fields.Enum(Platform, by_value=fields.String, required=True)
    createdAt = Moment(required=True)


class DeviceRoutes:
    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/devices", self.register), web.delete("/devices", self.forget)]

    @docs(
        tags=["notifications"],
        operationId="registerDevice",
        summary="Have your notifications pushed to this device",
        description="While you are signed in here, and no longer than until somebody else registers the same device.",
    )
    @json_schema(RegistrationBody)
    @response_schema(PushDeviceSchema, 200)
    @rate_limited(Rate.WRITES)
    async def register(self, request: web.Request) -> web.Response:
        body = request[BODY]
        device = await self._devices.register(current_principal(request), body["token"], body["platform"])
        return serializers.json_response(
            {"id": str(device.id), "platform": device.platform, "createdAt": isoformat(device.created_at_ms)}
        )

    @docs(
        tags=["notifications"],
        operationId="forgetDevice",
        summary="Have nothing pushed to this device any more",
    )
    @json_schema(ForgottenBody)
    @response_schema(None, 204, description="Nothing is pushed to it for you")
    @rate_limited(Rate.WRITES)
    async def forget(self, request: web.Request) -> web.Response:
        await self._devices.unregister(current_principal(request).user_id, request[BODY]["token"])
        return web.Response(status=204)
