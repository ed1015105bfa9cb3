"""What is pushed and what became of it, and with whose account: the words that whoever pushes has in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PushMessage:
    """A notification. `key` names it for ever: sent again, a device shows it once. `data` is handed to the client as it
    is. Of one `group` a device shows the newest (Android, browsers), or all of them together (iOS).
    """

    key: str
    title: str
    body: str
    data: Mapping[str, str]
    group: str = ""


class PushOutcome(StrEnum):
    """What became of a message to one device.

    GONE: nobody is behind this token any more, and the device is to be removed. REFUSED: it will never be taken, and
    the token is not why. FAILED: it may be tried again under the same key; it may have been taken all the same.
    """

    SENT = "sent"
    GONE = "gone"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FcmResponse:
    """What became of one message, and why. `away`: it says nothing of the message; the next one would fare alike."""

    outcome: PushOutcome
    reason: str = ""
    away: bool = False


@dataclass(frozen=True, slots=True)
class FirebaseAccount:
    """The service account of a Firebase project, and the servers at which it signs in and sends."""

    project_id: str
    client_email: str
    private_key: str = field(repr=False)
    token_uri: str
    fcm_url: str
    timeout_s: float
