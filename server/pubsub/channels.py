"""Names and messages of the Redis pub/sub channels."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.ids import MediaId, PostId, SessionId, UserId

USER_CHANNEL_PREFIX = "user-signals:"
ENDED_SESSIONS_PREFIX = b"ended-sessions "
MEDIA, READ, FEED = b"media", b"read", b"feed"


@dataclass(frozen=True, slots=True)
class MediaSignal:
    """The progress of one of a user's images: `queued`, `processing`, `ready` or `failed`."""

    media_id: MediaId
    status: str


@dataclass(frozen=True, slots=True)
class ReadSignal:
    """The user read notifications on some device, and `unread` are left."""

    unread: int


@dataclass(frozen=True, slots=True)
class FeedSignal:
    """A new post is in the user's feed."""

    post_id: PostId


PassingSignal = MediaSignal | ReadSignal | FeedSignal


def notification_channel(type_: str) -> str:
    """Return the channel with every notification of a type (comment, like, ...), for external subscribers."""
    return f"notification-{type_}"


def user_channel(user_id: UserId) -> str:
    """Return the channel with the signals to one user's streams.

    A message is the sequence of a new notification, in decimal, a list of ended sessions (`encode_ended_sessions`), or
    a signal that is passed on (`encode_passing`).
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


def encode_passing(signal: PassingSignal) -> bytes:
    """Return the message with a signal that streams pass on."""
    match signal:
        case MediaSignal(media_id, status):
            return b"%b %d %b" % (MEDIA, media_id, status.encode())
        case ReadSignal(unread):
            return b"%b %d" % (READ, unread)
        case FeedSignal(post_id):
            return b"%b %d" % (FEED, post_id)


def decode_passing(message: bytes) -> PassingSignal | None:
    """Return the signal to pass on, None for another kind of message. Raises ValueError if it is malformed."""
    kind, *values = message.split(b" ")
    match kind, values:
        case (b"media", [media_id, status]):
            return MediaSignal(MediaId(int(media_id)), status.decode())
        case (b"read", [unread]):
            return ReadSignal(int(unread))
        case (b"feed", [post_id]):
            return FeedSignal(PostId(int(post_id)))
        case _:
            return None
