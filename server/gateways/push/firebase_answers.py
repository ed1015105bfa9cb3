"""Maps errors of firebase-admin to push outcomes."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import httpx
import orjson
from firebase_admin import exceptions, messaging

from server.gateways.push.message import PushOutcome


def outcome_of(error: exceptions.FirebaseError) -> PushOutcome:
    """Return the outcome; errors of our account, Apple keys or quota are failures, because they can be corrected."""
    if isinstance(error, messaging.UnregisteredError | messaging.SenderIdMismatchError):
        return PushOutcome.GONE
    details = _error_in(error)
    if not isinstance(error, exceptions.InvalidArgumentError) or not details:
        return PushOutcome.FAILED
    fields = list(_fields(details))
    about_the_token = "message.token" in fields if fields else "registration token" in str(error)
    return PushOutcome.GONE if about_the_token else PushOutcome.REFUSED


def reason_of(error: exceptions.FirebaseError) -> str:
    response, cause = _response_to(error), cast("Exception | None", error.cause)
    met = type(cause.__cause__ or cause).__name__ if cause is not None else "no answer"
    where = met if response is None else f"HTTP {response.status_code}"
    return " ".join([f"{type(error).__name__}, {where}", *_fields(_error_in(error))])


def _error_in(error: exceptions.FirebaseError) -> Mapping[str, Any]:
    """Return FCM's description of an error, empty if the response is not from FCM."""
    response = _response_to(error)
    return {} if response is None else _mapping(json_of(response.content).get("error"))


def _response_to(error: exceptions.FirebaseError) -> httpx.Response | None:
    return cast("httpx.Response | None", error.http_response)


def _fields(error: Mapping[str, Any]) -> Iterable[str]:
    """Yield the members of the message that FCM reports as invalid."""
    for detail in _listed(error.get("details")):
        for violation in _listed(_mapping(detail).get("fieldViolations")):
            yield str(_mapping(violation).get("field", "?"))


def json_of(content: bytes) -> Mapping[str, Any]:
    """Return the JSON object in `content`, or an empty one."""
    try:
        return _mapping(orjson.loads(content))
    except ValueError:
        return {}


def _mapping(found: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _listed(found: Any) -> list[Any]:
    return cast("list[Any]", found) if isinstance(found, list) else []
