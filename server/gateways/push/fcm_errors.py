"""Parses error responses of Firebase Cloud Messaging and decides what they mean for a device.

Error codes: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

import orjson

from server.gateways.push.message import PushOutcome

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
CODE_BY_HTTP_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED"}
# Anything else in their place is not logged: it may quote the message or the token.
CODE = re.compile(r"[A-Z_]{1,40}")


@dataclass(frozen=True, slots=True)
class FcmError:
    """`code` is FCM's error code or else the status; `fields` are the parts of the message that FCM rejects."""

    http_status: int
    code: str
    fields: tuple[str, ...]
    names_token: bool

    @property
    def is_unauthenticated(self) -> bool:
        """Return whether FCM rejected the access token."""
        return self.code == "UNAUTHENTICATED"

    @property
    def is_sender_id_mismatch(self) -> bool:
        """Return whether the device belongs to another project."""
        return self.code == "SENDER_ID_MISMATCH"

    @property
    def is_platform_rejection(self) -> bool:
        """Return whether Apple or a browser vendor rejects our credentials; other platforms may work."""
        return self.code in ("THIRD_PARTY_AUTH_ERROR", "APNS_AUTH_ERROR")

    @property
    def outcome(self) -> PushOutcome:
        """GONE or REFUSED if FCM rejects the token or the message.

        FAILED otherwise: our account, our keys for Apple or our quota may be corrected.
        """
        if self.code in ("UNREGISTERED", "SENDER_ID_MISMATCH"):
            return PushOutcome.GONE
        if self.code != "INVALID_ARGUMENT":
            return PushOutcome.FAILED
        return PushOutcome.GONE if self.names_token else PushOutcome.REFUSED

    @property
    def reason(self) -> str:
        """Return the response of FCM without the token and the message."""
        return " ".join([f"{self.code or 'no error code'}, HTTP {self.http_status}", *self.fields])


def parse_error(http_status: int, content: bytes) -> FcmError:
    """Return the error in a response that is not a success. Malformed content is an error without a code."""
    error = _mapping(parse_object(content).get("error"))
    if not error:  # a proxy's response, which says nothing about the message
        code = "UNAUTHENTICATED" if http_status == HTTPStatus.UNAUTHORIZED else ""
        return FcmError(http_status, code, (), names_token=False)
    details = [_mapping(detail) for detail in _list(error.get("details"))]
    fields = tuple(_rejected_fields(details))
    about_token = "registration token" in str(error.get("message"))
    return FcmError(
        http_status,
        _code(error, details) or CODE_BY_HTTP_STATUS.get(http_status, ""),
        fields,
        names_token="message.token" in fields if fields else about_token,
    )


def parse_object(content: bytes) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one for any other content."""
    try:
        return _mapping(orjson.loads(content))
    except ValueError:
        return {}


def _code(error: Mapping[str, Any], details: Iterable[Mapping[str, Any]]) -> str:
    """Return FCM's own error code if it is more specific than the status of the error."""
    own = [detail.get("errorCode") for detail in details if detail.get("@type") == FCM_ERROR]
    found = [
        text for text in [*own[:1], error.get("status")] if isinstance(text, str) and CODE.fullmatch(text)
    ]
    return found[0] if found else ""


def _rejected_fields(details: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for detail in details:
        for violation in _list(detail.get("fieldViolations")):
            yield str(_mapping(violation).get("field", "?"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
