"""Push messages, their outcomes, and the Firebase account that sends them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PushMessage:
    """A push. A device shows one `key` once, even if it is sent twice. The client receives `data` unchanged.

    Of one `group`, Android and browsers show the newest push; iOS shows all of them together. iOS shows `badge` on the
    icon of the app; None leaves the number as it is.

    A `silent` push shows nothing: apps get `data`, and iOS changes the badge.
    """

    key: str
    title: str
    body: str
    data: Mapping[str, str]
    group: str = ""
    badge: int | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class WebSubscription:
    """A browser's subscription: where its pushes go, and the keys that encrypt them, in base64url."""

    endpoint: str
    p256dh: str = field(repr=False)
    auth: str = field(repr=False)


class PushOutcome(StrEnum):
    """The outcome of a message to one device.

    GONE: the token is no longer registered; delete the device. REFUSED: the service will never accept the message, but
    not because of the token. FAILED: try again with the same key; the message may have been delivered nevertheless.
    """

    SENT = "sent"
    GONE = "gone"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FcmResponse:
    """The outcome of one message and its reason. `unavailable`: FCM would fail any other message likewise."""

    outcome: PushOutcome
    reason: str = ""
    unavailable: bool = False


@dataclass(frozen=True, slots=True)
class FirebaseAccount:
    """The service account of a Firebase project, the servers it uses, and the timeout of a batch."""

    project_id: str
    client_email: str
    private_key: str = field(repr=False)
    token_uri: str
    fcm_url: str
    timeout_s: float
