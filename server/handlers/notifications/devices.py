"""`/devices`: devices that receive push notifications."""

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.fields import FullMatch, Id, RequestSchema, Timestamp
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, current_principal
from server.services.notifications.devices import Devices
from server.services.records import Platform

# Firebase tokens consist of letters, digits and some punctuation.
TOKEN = (
    validate.Length(1, 2048),
    FullMatch(r"^[\x21-\x7e]+$", error="Must be a registration token of Firebase Cloud Messaging."),
)


class RegisterDeviceBody(RequestSchema):
    token = fields.String(
        required=True,
        validate=[*TOKEN],
        metadata={"description": "The app's registration token of Firebase Cloud Messaging."},
    )
    platform = fields.Enum(Platform, by_value=fields.String, required=True)


class UnregisterDeviceBody(RequestSchema):
    token = fields.String(required=True, validate=[*TOKEN])
    platform = fields.Enum(Platform, by_value=fields.String)


class PushDeviceSchema(Schema):
    id = Id(required=True)
    platform = fields.Enum(Platform, by_value=fields.String, required=True)
    createdAt = Timestamp(required=True)


class DeviceRoutes:
    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/devices", self.register_device), web.delete("/devices", self.forget_device)]

    @operation(
        "registerDevice",
        "Register this device for push notifications",
        tag="notifications",
        codes={409: ("device_in_use",)},
        description="The registration ends with your session here. Register at each start of the app: after 30 days"
        " without, another user may register the device.",
        body=RegisterDeviceBody,
        responds={200: PushDeviceSchema},
        refuses={409: "Another user is signed in on this device"},
        rates=(Rate.WRITES,),
    )
    async def register_device(self, request: web.Request) -> web.Response:
        body = request[BODY]
        device = await self._devices.register(current_principal(request), body["token"], body["platform"])
        return serializers.json_response(
            {"id": str(device.id), "platform": device.platform, "createdAt": isoformat(device.created_at_ms)}
        )

    @operation(
        "forgetDevice",
        "Stop push notifications to this device",
        tag="notifications",
        description="For apps that end without signing out.",
        body=UnregisterDeviceBody,
        responds={204: Reply("The device is not registered for you")},
        rates=(Rate.WRITES,),
    )
    async def forget_device(self, request: web.Request) -> web.Response:
        await self._devices.unregister(current_principal(request).user_id, request[BODY]["token"])
        return web.Response(status=204)
