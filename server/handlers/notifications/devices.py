"""`/devices`: devices that receive push notifications."""

from types import MappingProxyType
from typing import Any

from aiohttp import web
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.clock import isoformat
from server.gateways.push.message import WebSubscription
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


class SubscriptionKeysSchema(RequestSchema):
    """Keys that encrypt the pushes, in base64url."""

    p256dh = fields.String(
        required=True,
        validate=FullMatch("^[A-Za-z0-9_-]{87}=?$"),
        metadata={
            "description": "The browser's public key: a point of P-256.",
            "examples": [
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
            ],
        },
    )
    auth = fields.String(
        required=True,
        validate=FullMatch("^[A-Za-z0-9_-]{22}(==)?$"),
        metadata={
            "description": "The browser's authentication secret: 16 bytes.",
            "examples": ["BTBZMqHH6r4Tts7J_aSIgg"],
        },
    )


class SubscriptionSchema(RequestSchema):
    """A browser's `PushSubscription`, as `toJSON()` returns it."""

    endpoint = fields.String(
        required=True,
        validate=[*TOKEN],
        metadata={
            "description": "The address of the push service for this browser.",
            "examples": ["https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk"],
        },
    )
    keys = fields.Nested(
        SubscriptionKeysSchema,
        required=True,
        metadata={"description": "The keys with which pushes to this browser are encrypted."},
    )
    expirationTime = fields.Float(
        allow_none=True, load_default=None, metadata={"description": "Ignored: an expired one is removed."}
    )


class RegisterDeviceBody(RequestSchema):
    """A target of pushes: an app's registration token, or a browser's subscription."""

    keywords = MappingProxyType({"minProperties": 2, "maxProperties": 2})

    token = fields.String(
        validate=[*TOKEN],
        metadata={"description": "The app's registration token of Firebase Cloud Messaging."},
    )
    subscription = fields.Nested(
        SubscriptionSchema,
        metadata={"description": "For Web Push: made with `push.vapidPublicKey` of `GET /config`."},
    )
    platform = fields.Enum(Platform, by_value=fields.String, required=True)

    @validates_schema
    def _require_one_target(self, data: dict[str, Any], **_: Any) -> None:
        if ("token" in data) == ("subscription" in data):
            raise ValidationError("Exactly one of these is required: token, subscription.", "token")
        if "subscription" in data and data["platform"] is not Platform.WEB:
            raise ValidationError("Must be web for a subscription.", "platform")


class UnregisterDeviceBody(RequestSchema):
    token = fields.String(
        required=True,
        validate=[*TOKEN],
        metadata={"description": "The registration token, or the endpoint of the subscription."},
    )
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
        codes={409: ("device_in_use",), 422: ("web_push_disabled",)},
        description="The registration ends with your session here. Register at each start of the app: after 30 days"
        " without, another user may register the device.",
        body=RegisterDeviceBody,
        responds={200: PushDeviceSchema},
        refuses={
            409: "Another user is signed in on this device",
            422: "Invalid values, or a push service that this server does not know",
        },
        rates=(Rate.WRITES,),
    )
    async def register_device(self, request: web.Request) -> web.Response:
        body = request[BODY]
        target = _subscription(body["subscription"]) if "subscription" in body else body["token"]
        device = await self._devices.register(current_principal(request), target, body["platform"])
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


def _subscription(body: dict[str, Any]) -> WebSubscription:
    return WebSubscription(body["endpoint"], body["keys"]["p256dh"], body["keys"]["auth"])
