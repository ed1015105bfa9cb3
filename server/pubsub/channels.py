"""Names and messages of the Redis pub/sub channels."""

from collections.abc import Iterable

from server.ids import SessionId, UserId

USER_CHANNEL_PREFIX = "user-signals:"
ENDED_SESSIONS_PREFIX = b"ended-sessions "


def notification_channel(type_: str) -> str:
    """Return the channel with every notification of a type (comment, like, ...), for external subscribers."""
    return f"notification-{type_}"


def user_channel(user_id: UserId) -> str:
    """Return the channel with the signals to one user's streams.

    A message is the sequence of a new notification, in decimal, or a list of ended sessions (`encode_ended_sessions`).
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
