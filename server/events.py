"""What can happen: facts in the past tense, written with the change that they tell of.

An event is data and nothing else. Which jobs it causes is decided in `services/jobs/event_jobs.py`.
"""

from dataclasses import dataclass
from typing import Literal

from server.ids import CommentId, NotificationId, PostId, UserId

CachedKind = Literal["post", "person", "feed", "likes"]


@dataclass(frozen=True, slots=True)
class CacheKey:
    """A cached object that a change makes stale: a post, a person's card, a user's feed, or a user's likes."""

    kind: CachedKind
    id: int


@dataclass(frozen=True, slots=True)
class Event:
    """Root of all events; every field is a number or text, so that it survives as JSON."""


@dataclass(frozen=True, slots=True)
class PostPublished(Event):
    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PostLiked(Event):
    post_id: PostId
    author_id: UserId
    actor_id: UserId


@dataclass(frozen=True, slots=True)
class PostUnliked(Event):
    post_id: PostId
    author_id: UserId
    actor_id: UserId


@dataclass(frozen=True, slots=True)
class LikeChanged(Event):
    """Whether somebody likes a post now; `revision` is the post's, and tells which of two is newer."""

    post_id: PostId
    actor_id: UserId
    liked: bool
    revision: int


@dataclass(frozen=True, slots=True)
class PostChanged(Event):
    """What is shown of a post now, its pictures left out."""

    post_id: PostId
    author_id: UserId
    revision: int
    likes_count: int
    comments_count: int
    edited_at_ms: int | None


@dataclass(frozen=True, slots=True)
class PostDeleted(Event):
    """It is hidden already; what hangs on it is still there."""

    post_id: PostId
    author_id: UserId
    revision: int


@dataclass(frozen=True, slots=True)
class CommentAdded(Event):
    comment_id: CommentId
    post_id: PostId
    post_author_id: UserId
    actor_id: UserId
    answered_id: UserId | None


@dataclass(frozen=True, slots=True)
class CommentsDeleted(Event):
    """A comment of this post is gone, and the replies to it."""

    post_id: PostId


@dataclass(frozen=True, slots=True)
class PeopleMentioned(Event):
    """The caption of this post names people now; some of them it may have named before."""

    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PushRequested(Event):
    """Somebody was told of something, and wants pushes of such things."""

    notification_id: NotificationId
    recipient_id: UserId


@dataclass(frozen=True, slots=True)
class EmailRequested(Event):
    """Somebody was told of something, and wants mail of such things."""

    notification_id: NotificationId
    recipient_id: UserId


@dataclass(frozen=True, slots=True)
class AvatarReplaced(Event):
    """`media_key` is that of the avatar that was."""

    user_id: UserId
    media_key: str


@dataclass(frozen=True, slots=True)
class UserFollowed(Event):
    follower_id: UserId
    followee_id: UserId


@dataclass(frozen=True, slots=True)
class UserUnfollowed(Event):
    follower_id: UserId
    followee_id: UserId


@dataclass(frozen=True, slots=True)
class PersonChanged(Event):
    """Something that a person's card shows is another now."""

    user_id: UserId
    revision: int


@dataclass(frozen=True, slots=True)
class EmailChanged(Event):
    """`previous` is the address that was."""

    user_id: UserId
    previous: str
    email: str


@dataclass(frozen=True, slots=True)
class SessionsRevoked(Event):
    user_id: UserId


@dataclass(frozen=True, slots=True)
class PasswordResetRequested(Event):
    """Somebody says so; whether there is an account with this address is not known yet."""

    email_key: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    user_id: UserId
