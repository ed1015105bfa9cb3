"""What the services return: frozen records, with nothing of the database in them."""

from dataclasses import dataclass
from enum import StrEnum

from server.ids import CommentId, DeviceId, NotificationId, PostId, SessionId, UserId


class Role(StrEnum):
    USER = "user"
    CELEBRITY = "celebrity"
    ADMIN = "admin"


class NotificationType(StrEnum):
    COMMENT = "comment"
    LIKE = "like"
    FOLLOW = "follow"
    MENTION = "mention"
    REPLY = "reply"


class Channel(StrEnum):
    """The ways by which a person is told, and may refuse to be; the live stream goes with `inApp`."""

    PUSH = "push"
    EMAIL = "email"
    IN_APP = "inApp"


class Platform(StrEnum):
    """What a device runs."""

    ANDROID = "android"
    IOS = "ios"
    WEB = "web"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, as their access token proves."""

    user_id: UserId
    session_id: SessionId
    role: Role


@dataclass(frozen=True, slots=True)
class TokenPair:
    """`expires_in_s`: seconds that the access token is good for."""

    access_token: str
    refresh_token: str
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class LoginSession:
    """Where somebody is signed in; `current` is the one that asks."""

    id: SessionId
    user_agent: str
    address: str
    created_at_ms: int
    last_used_at_ms: int
    current: bool


@dataclass(frozen=True, slots=True)
class UserCard:
    """A person as shown beside what they did. `revision` tells which of two is newer, and is not shown."""

    id: UserId
    username: str
    full_name: str
    avatar_url: str | None
    is_celebrity: bool
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """A person's page. `email` is None for everybody but the person; so are the two relations for them."""

    id: UserId
    username: str
    email: str | None
    full_name: str
    bio: str
    website: str
    avatar_url: str | None
    role: Role
    posts_count: int
    followers_count: int
    following_count: int
    created_at_ms: int
    is_following: bool | None = None
    follows_you: bool | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """`url` is the largest rendition, `width` x `height` pixels; `variants` has the URL of each by name."""

    url: str
    width: int
    height: int
    blurhash: str
    alt_text: str
    variants: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class PostCard:
    """What stays of a post until it is edited, and may be kept and rendered once: two are equal if they are one."""

    id: PostId
    author_id: UserId
    caption: str
    mentions: tuple[str, ...]
    hashtags: tuple[str, ...]
    images: tuple[Image, ...]
    created_at_ms: int
    edited_at_ms: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """A post as one viewer sees it now, which may be kept and rendered once. `revision` tells which of two is newer."""

    card: PostCard
    author: UserCard
    likes_count: int
    comments_count: int
    liked: bool
    revision: int = 0

    @property
    def id(self) -> PostId:
        return self.card.id


@dataclass(frozen=True, slots=True)
class Comment:
    id: CommentId
    post_id: PostId
    parent_id: CommentId | None
    author: UserCard
    content: str
    mentions: tuple[str, ...]
    replies_count: int
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class Notification:
    """`sequence` numbers the notifications of one recipient: 1, 2, 3, ... in the order of their commits.

    `others_count`: how many did the same to the same post before the actor did; only likes are counted up.
    """

    id: NotificationId
    recipient_id: UserId
    sequence: int
    type: NotificationType
    actor: UserCard
    post_id: PostId | None
    comment_id: CommentId | None
    read: bool
    created_at_ms: int
    others_count: int = 0


@dataclass(frozen=True, slots=True)
class PushDevice:
    """Where pushes go: an app on a device that somebody is signed in on."""

    id: DeviceId
    platform: Platform
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class LikeState:
    liked: bool
    likes_count: int


@dataclass(frozen=True, slots=True)
class FollowState:
    following: bool
    followers_count: int
