"""Names and messages of the Redis pub/sub channels."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.ids import MediaId, SessionId, UserId

USER_CHANNEL_PREFIX = "user-signals:"
ENDED_SESSIONS_PREFIX = b"ended-sessions "
MEDIA_PREFIX = b"media "


@dataclass(frozen=True, slots=True)
class MediaSignal:
    """The progress of one of a user's images: `queued`, `processing`, `ready` or `failed`."""

    media_id: MediaId
    status: str


def notification_channel(type_: str) -> str:
    """Return the channel with every notification of a type (comment, like, ...), for external subscribers."""
    return f"notification-{type_}"


def user_channel(user_id: UserId) -> str:
    """Return the channel with the signals to one user's streams.

    A message is the sequence of a new notification, in decimal, a list of ended sessions (`encode_ended_sessions`), or
    the progress of an image (`encode_media`).
    """
    return f"{USER_CHANNEL_PREFIX}{user_id}"


def user_of_channel(channel: bytes | str) -> UserId:
    """Return the user whose channel this is. Raises ValueError for any other channel."""
    name = channel.decode() if isinstance(channel, bytes) else channel
    if not name.startswith(USER_CHANNEL_PREFIX):
        raise ValueError(f"Not a user channel: {name!r}.")
    return UserId(int(name.removeprefix(USER_CHANNEL_PREFIX)))


def encode_ended_sessions(session_ids: Iterable[SessionId]) -> bytes:
    """Return the message that these sessions ended."""
    return ENDED_SESSIONS_PREFIX + ",".join(map(str, session_ids)).encode()


def decode_ended_sessions(message: bytes) -> frozenset[SessionId] | None:
    """Return the ended sessions, None for another kind of message. Raises ValueError if they are malformed."""
    if not message.startswith(ENDED_SESSIONS_PREFIX):
        return None
    ids = message.removeprefix(ENDED_SESSIONS_PREFIX).split(b",")
    return frozenset(SessionId(int(text)) for text in ids)


def encode_media(signal: MediaSignal) -> bytes:
    """Return the message with the progress of an image."""
    return MEDIA_PREFIX + f"{signal.media_id} {signal.status}".encode()


def decode_media(message: bytes) -> MediaSignal | None:
    """Return the progress of an image, None for another kind of message. Raises ValueError if it is malformed."""
    if not message.startswith(MEDIA_PREFIX):
        return None
    media_id, status = message.removeprefix(MEDIA_PREFIX).decode().split(" ")
    return MediaSignal(MediaId(int(media_id)), status)
