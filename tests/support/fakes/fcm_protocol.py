"""Responses of Firebase Cloud Messaging: refusals, and validation errors of a request.

The forms follow https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode and observed answers.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import orjson
from aiohttp import web

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
MESSAGE_MEMBERS = {"token", "notification", "data", "android", "apns", "webpush", "fcm_options"}
MAX_PAYLOAD_BYTES = 4096


class Trouble(StrEnum):
    """Faults of a message. TAKEN ones are answered with an error, but accepted."""

    UNREGISTERED = "unregistered"
    SENDER_ID_MISMATCH = "sender id mismatch"
    BAD_TOKEN = "bad token"
    BAD_TOKEN_FIELD = "bad token, named by its field"
    BAD_MESSAGE = "bad message"
    TOO_BIG = "too big"
    THIRD_PARTY_AUTH = "third party auth"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    TOO_MANY = "too many"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    TAKEN_BUT_UNAVAILABLE = "taken but unavailable"
    NO_JSON = "an error that is no JSON"
    NO_TEXT = "an error that is no text"
    ODD_JSON = "an error that is odd JSON"
    ODD_DETAILS = "an error with odd details"
    TAKEN_BUT_ODD = "taken but odd"
    HANGS = "hangs"
    TAKEN_BUT_HANGS = "taken but hangs"
    RESETS = "resets"
    TAKEN_BUT_RESETS = "taken but resets"

    @property
    def takes(self) -> bool:
        return self.name.startswith("TAKEN")


def _fcm_error(code: str) -> dict[str, Any]:
    return {"@type": FCM_ERROR, "errorCode": code}


def _violation(field: str, description: str) -> dict[str, Any]:
    return {"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": description}]}


INVALID = "Request contains an invalid argument."
Refusal = tuple[int, str, str, list[dict[str, Any]]]
REFUSALS: Mapping[Trouble, Refusal] = {
    Trouble.UNREGISTERED: (
        404, "NOT_FOUND", "Requested entity was not found.", [_fcm_error("UNREGISTERED")]
    ),
    Trouble.SENDER_ID_MISMATCH: (
        403, "PERMISSION_DENIED", "SenderId mismatch", [_fcm_error("SENDER_ID_MISMATCH")]
    ),
    Trouble.BAD_TOKEN: (
        400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token",
        [_fcm_error("INVALID_ARGUMENT")],
    ),
    Trouble.BAD_TOKEN_FIELD: (
        400, "INVALID_ARGUMENT", INVALID,
        [_fcm_error("INVALID_ARGUMENT"), _violation("message.token", "Invalid registration token")],
    ),
    Trouble.BAD_MESSAGE: (
        400, "INVALID_ARGUMENT", "Invalid value at 'message.data[0].value' (TYPE_STRING), secret words",
        [_violation("message.data[0].value", "Invalid value (TYPE_STRING), secret words")],
    ),
    Trouble.TOO_BIG: (400, "INVALID_ARGUMENT", INVALID, []),
    Trouble.THIRD_PARTY_AUTH: (
        401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service",
        [_fcm_error("THIRD_PARTY_AUTH_ERROR")],
    ),
    Trouble.UNAUTHENTICATED: (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", []),
    Trouble.FORBIDDEN: (403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied.", []),
    Trouble.NOT_FOUND: (404, "NOT_FOUND", "Requested entity was not found.", []),
    Trouble.TOO_MANY: (
        429, "RESOURCE_EXHAUSTED", "Sending limit exceeded.", [_fcm_error("QUOTA_EXCEEDED")]
    ),
    Trouble.INTERNAL: (500, "INTERNAL", "Internal error encountered.", [_fcm_error("INTERNAL")]),
    Trouble.UNAVAILABLE: (503, "UNAVAILABLE", "The service is unavailable.", [_fcm_error("UNAVAILABLE")]),
    Trouble.TAKEN_BUT_UNAVAILABLE: (
        503, "UNAVAILABLE", "The service is unavailable.", [_fcm_error("UNAVAILABLE")]
    ),
}  # fmt: skip


def refusal(trouble: Trouble) -> web.Response:
    """Return the answer for a fault."""
    match trouble:
        case Trouble.NO_JSON:
            return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
        case Trouble.NO_TEXT:
            return web.Response(status=500, body=b"\xff\xfe\xfd")
        case Trouble.ODD_JSON:
            return answer(400, {"error": "nothing like it"})
        case Trouble.ODD_DETAILS:
            return _refused(400, "INVALID_ARGUMENT", INVALID, [{"fieldViolations": [3]}])
        case Trouble.TAKEN_BUT_ODD:
            return answer(200, ["nothing like it"])
        case _:
            return _refused(*REFUSALS[trouble])


def flawed(body: bytes) -> web.Response | None:
    """Return the refusal of an invalid request, or None."""
    violations = list(_violations(orjson.loads(body)))
    return _refused(400, "INVALID_ARGUMENT", INVALID, violations) if violations else None


def answer(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


def _refused(status: int, code: str, message: str, details: list[dict[str, Any]]) -> web.Response:
    error = {"code": status, "message": message, "status": code, "details": details}
    refused = answer(status, {"error": error})
    if status in (429, 503):
        refused.headers["Retry-After"] = "60"
    return refused


def _violations(request: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield the violations by field."""
    message = request.get("message", {})
    for member in (request.keys() - {"message"}) | (message.keys() - MESSAGE_MEMBERS):
        yield _violation(member, f'Unknown name "{member}": Cannot find field.')
    if not isinstance(message.get("token"), str):
        yield _violation("message", "Recipient of the message is not set.")
    data = message.get("data", {})
    for name, value in data.items():
        if (
            not isinstance(value, str)
            or name in ("from", "message_type")
            or name.startswith(("google", "gcm"))
        ):
            yield _violation(f"message.data[{name}]", "Invalid data payload key or value.")
    headers = message.get("apns", {}).get("headers", {})
    if len(headers.get("apns-collapse-id", "").encode()) > 64:
        yield _violation("message.apns.headers", "Longer than 64 bytes.")
    topic = message.get("webpush", {}).get("headers", {}).get("Topic", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", topic):
        yield _violation("message.webpush.headers", "Not at most 32 characters of base64url.")
    if len(orjson.dumps([data, message.get("notification")])) > MAX_PAYLOAD_BYTES:
        yield _violation("message", "Message is too big.")
