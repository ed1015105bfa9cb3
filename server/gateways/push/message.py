"""Push messages, their outcomes, and the account that sends them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PushMessage:
    """A notification. `key` identifies it: a device shows a repeated one once. `data` is passed on to the client.

    Devices show the newest message per `group` (Android, browsers) or group them (iOS).
    """

    key: str
    title: str
    body: str
    data: Mapping[str, str]
    group: str = ""


class PushOutcome(StrEnum):
    """Outcome of a message to one device.

    GONE: the token is no longer registered, and the device should be removed. REFUSED: FCM rejects the message for a
    reason other than the token. FAILED: retry with the same key; FCM may have accepted it nevertheless.
    """

    SENT = "sent"
    GONE = "gone"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FcmResponse:
    """Outcome and reason of one message. `unavailable`: the next message would fail as well."""

    outcome: PushOutcome
    reason: str = ""
    unavailable: bool = False


@dataclass(frozen=True, slots=True)
class FirebaseAccount:
    """The service account of a Firebase project, and the URLs of its servers."""

    project_id: str
    client_email: str
    private_key: str = field(repr=False)
    token_uri: str
    fcm_url: str
    timeout_s: float
