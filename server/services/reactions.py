"""Which jobs an event causes: the one list to read to know what happens after a commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from server.events import (
    AvatarReplaced,
    CommentAdded,
    CommentsDeleted,
    EmailChanged,
    Event,
    LetterOwed,
    PasswordChanged,
    PasswordForgotten,
    PeopleMentioned,
    PostDeleted,
    PostLiked,
    PostPublished,
    PostUnliked,
    PushOwed,
    SessionsRevoked,
    UserFollowed,
    UserUnfollowed,
)


class Queue(StrEnum):
    """The names of the queues, as in metrics, streams and the command line."""

    FEED = "feed"
    NOTIFICATIONS = "notifications"
    PUSH = "push"
    MAIL = "mail"
    MAINTENANCE = "maintenance"


class JobKind(StrEnum):
    FAN_OUT = "feed.fan_out"
    WITHDRAW = "feed.withdraw"
    NOTIFY_LIKE = "notify.like"
    NOTIFY_COMMENT = "notify.comment"
    NOTIFY_FOLLOW = "notify.follow"
    NOTIFY_MENTIONED = "notify.mentioned"
    NOTIFY_WITHDRAW = "notify.withdraw"
    PUSH = "push.notification"
    MAIL = "mail.notification"
    REMOVE_POST = "posts.remove"
    REMOVE_AVATAR = "avatars.remove"
    TELL_REVOKED = "notify.revoked"
    MAIL_RESET = "mail.reset"
    MAIL_CHANGED = "mail.password_changed"
    MAIL_ADDRESS_CHANGED = "mail.address_changed"
    SWEEP_SESSIONS = "maintenance.sessions"
    RETENTION = "maintenance.retention"
    AUDIT_COUNTERS = "maintenance.counters"
    SWEEP_MEDIA = "maintenance.media"
    SWEEP_RESETS = "maintenance.resets"
    SWEEP_KEYS = "maintenance.idempotency_keys"
    SWEEP_NOTIFICATIONS = "maintenance.notifications"


NORMAL = 0
HIGH = 1


@dataclass(frozen=True, slots=True)
class Reaction:
    """A job that an event causes; its payload is the event's own fields."""

    queue: Queue
    kind: JobKind
    priority: int = NORMAL


REACTIONS: Mapping[type[Event], tuple[Reaction, ...]] = {
    PostPublished: (Reaction(Queue.FEED, JobKind.FAN_OUT),),
    PostDeleted: (
        Reaction(Queue.FEED, JobKind.WITHDRAW, HIGH),
        Reaction(Queue.MAINTENANCE, JobKind.REMOVE_POST),
    ),
    AvatarReplaced: (Reaction(Queue.MAINTENANCE, JobKind.REMOVE_AVATAR),),
    # What is done and what is taken back are one kind: the job looks which of them holds.
    UserFollowed: (Reaction(Queue.NOTIFICATIONS, JobKind.NOTIFY_FOLLOW),),
    UserUnfollowed: (Reaction(Queue.NOTIFICATIONS, JobKind.NOTIFY_FOLLOW),),
    PostLiked: (Reaction(Queue.NOTIFICATIONS, JobKind.NOTIFY_LIKE),),
    PostUnliked: (Reaction(Queue.NOTIFICATIONS, JobKind.NOTIFY_LIKE),),
    CommentAdded: (Reaction(Queue.NOTIFICATIONS, JobKind.NOTIFY_COMMENT),),
    CommentsDeleted: (Reaction(Queue.NOTIFICATIONS, JobKind.NOTIFY_WITHDRAW),),
    PeopleMentioned: (Reaction(Queue.NOTIFICATIONS, JobKind.NOTIFY_MENTIONED),),
    PushOwed: (Reaction(Queue.PUSH, JobKind.PUSH),),
    LetterOwed: (Reaction(Queue.MAIL, JobKind.MAIL),),
    SessionsRevoked: (Reaction(Queue.NOTIFICATIONS, JobKind.TELL_REVOKED, HIGH),),
    # Somebody waits for these: they go before the letters that tell of likes.
    PasswordForgotten: (Reaction(Queue.MAIL, JobKind.MAIL_RESET, HIGH),),
    PasswordChanged: (Reaction(Queue.MAIL, JobKind.MAIL_CHANGED, HIGH),),
    EmailChanged: (Reaction(Queue.MAIL, JobKind.MAIL_ADDRESS_CHANGED, HIGH),),
}
