"""The names of the pub/sub channels. What is said on them is the publisher's affair."""

from collections.abc import Iterable

from server.ids import SessionId, UserId

INBOX_PREFIX = "inbox:"
ENDED_PREFIX = b"ended "


def announcements(type_: str) -> str:
    """Where every notification of a type (comment, like, ...) is told in full, for subscribers outside."""
    return f"notification-{type_}"


def inbox(user_id: UserId) -> str:
    """Where a person's own streams hear that there is something new; the message is the sequence, in decimal.

    Or that sessions of that person ended: see `ended`.
    """
    return f"{INBOX_PREFIX}{user_id}"


def owner_of(channel: bytes | str) -> UserId:
    """The person whose inbox `channel` is. Raises ValueError for any other channel."""
    name = channel.decode() if isinstance(channel, bytes) else channel
    if not name.startswith(INBOX_PREFIX):
        raise ValueError(f"{name} is not the channel of an inbox")
    return UserId(int(name.removeprefix(INBOX_PREFIX)))


def ended(session_ids: Iterable[SessionId]) -> bytes:
    """The message, on the channel of their owner's inbox, that these sessions ended."""
    return ENDED_PREFIX + ",".join(map(str, session_ids)).encode()


def ended_sessions(message: bytes) -> frozenset[SessionId] | None:
    """The sessions that `message` says have ended; None if it says something else. Raises ValueError for nonsense."""
    if not message.startswith(ENDED_PREFIX):
        return None
    return frozenset(SessionId(int(text)) for text in message.removeprefix(ENDED_PREFIX).split(b","))
