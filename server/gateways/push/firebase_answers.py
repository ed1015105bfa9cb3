"""What the answers of Firebase Cloud Messaging mean for a device, as firebase-admin hands them on."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import httpx
import orjson
from firebase_admin import exceptions, messaging

from server.gateways.push.message import PushOutcome


def outcome_of(error: exceptions.FirebaseError) -> PushOutcome:
    """What is wrong with our account, our keys for Apple or our quota may be mended, and so is no refusal."""
    if isinstance(error, messaging.UnregisteredError | messaging.SenderIdMismatchError):
        return PushOutcome.GONE
    flaws = _error_in(error)
    if not isinstance(error, exceptions.InvalidArgumentError) or not flaws:
        return PushOutcome.FAILED
    fields = list(_fields(flaws))
    about_the_token = "message.token" in fields if fields else "registration token" in str(error)
    return PushOutcome.GONE if about_the_token else PushOutcome.REFUSED


def reason_of(error: exceptions.FirebaseError) -> str:
    response, cause = _response_to(error), cast("Exception | None", error.cause)
    met = type(cause.__cause__ or cause).__name__ if cause is not None else "no answer"
    where = met if response is None else f"HTTP {response.status_code}"
    return " ".join([f"{type(error).__name__}, {where}", *_fields(_error_in(error))])


def _error_in(error: exceptions.FirebaseError) -> Mapping[str, Any]:
    """What FCM says about an error; nothing if it was not FCM that answered."""
    response = _response_to(error)
    return {} if response is None else _mapping(json_of(response.content).get("error"))


def _response_to(error: exceptions.FirebaseError) -> httpx.Response | None:
    return cast("httpx.Response | None", error.http_response)


def _fields(said: Mapping[str, Any]) -> Iterable[str]:
    """The members of the message that FCM names as what is wrong with it."""
    for detail in _listed(said.get("details")):
        for violation in _listed(_mapping(detail).get("fieldViolations")):
            yield str(_mapping(violation).get("field", "?"))


def json_of(content: bytes) -> Mapping[str, Any]:
    """The object that an answer is; an empty one for everything else."""
    try:
        return _mapping(orjson.loads(content))
    except ValueError:
        return {}


def _mapping(found: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _listed(found: Any) -> list[Any]:
    return cast("list[Any]", found) if isinstance(found, list) else []
