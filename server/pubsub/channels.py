"""The names of the pub/sub channels. What is said on them is the publisher's affair."""

from server.ids import UserId

INBOX_PREFIX = "inbox:"


def announcements(type_: str) -> str:
    """Where every notification of a type (comment, like, ...) is told in full, for subscribers outside."""
    return f"notification-{type_}"


def inbox(user_id: UserId) -> str:
    """Where a person's own streams hear that there is something new; the message is the sequence, in decimal."""
    return f"{INBOX_PREFIX}{user_id}"


def owner_of(channel: bytes | str) -> UserId:
    """The person whose inbox `channel` is. Raises ValueError for any other channel."""
    name = channel.decode() if isinstance(channel, bytes) else channel
    if not name.startswith(INBOX_PREFIX):
        raise ValueError(f"{name} is not the channel of an inbox")
    return UserId(int(name.removeprefix(INBOX_PREFIX)))
