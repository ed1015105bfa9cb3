"""Frozen records that services return, independent of the database."""

from dataclasses import dataclass
from enum import StrEnum

from server.ids import (
    NO_USER,
    CollectionId,
    CommentId,
    DeviceId,
    DraftId,
    MediaId,
    NotificationId,
    PasskeyId,
    PlaceId,
    PostId,
    SessionId,
    UserId,
    VersionId,
)
from server.models.audience import Audience
from server.models.content.media import MediaStatus
from server.models.content.post_options import PostOptions
from server.models.content.tags import TagPermission


class Role(StrEnum):
    USER = "user"
    CELEBRITY = "celebrity"
    MODERATOR = "moderator"
    ADMIN = "admin"


class SearchEngines(StrEnum):
    """The choice of an account about search engines that index its pages."""

    ALLOW = "allow"
    DENY = "deny"


class AccountStatus(StrEnum):
    """Status of an account; other users see nothing of one that is not active."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"
    DELETING = "deleting"


class PostStatus(StrEnum):
    """Status of a post; only its author sees one that is not published."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class NotificationType(StrEnum):
    COMMENT = "comment"
    LIKE = "like"
    FOLLOW = "follow"
    MENTION = "mention"
    REPLY = "reply"
    FOLLOW_REQUEST = "follow_request"
    FOLLOW_ACCEPTED = "follow_accepted"
    TAG = "tag"
    COMMENT_LIKE = "comment_like"
    MODERATION = "moderation"
    REPORT_HANDLED = "report_handled"


# Of the service itself: always shown in the app, and not pushed or e-mailed as the other types are.
SERVICE_TYPES = (NotificationType.MODERATION, NotificationType.REPORT_HANDLED)
PREFERENCE_TYPES = tuple(type_ for type_ in NotificationType if type_ not in SERVICE_TYPES)


class Channel(StrEnum):
    """Delivery channels that users can turn off; the live stream belongs to `inApp`."""

    PUSH = "push"
    EMAIL = "email"
    IN_APP = "inApp"


class Platform(StrEnum):
    """The platform of a device."""

    ANDROID = "android"
    IOS = "ios"
    WEB = "web"


class SignInMethod(StrEnum):
    """First factors of a sign-in."""

    PASSWORD = "password"  # noqa: S105 - a method
    OIDC = "oidc"
    PASSKEY = "passkey"


class SecondFactorMethod(StrEnum):
    """Codes that complete a sign-in."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"


@dataclass(frozen=True, slots=True)
class Principal:
    """The user and session that an access token identifies.

    `sanctioned_until_ms`: until when the user has lower limits after a decision of moderators; 0 without one.
    """

    user_id: UserId
    session_id: SessionId
    role: Role
    sanctioned_until_ms: int = 0


ANONYMOUS = Principal(NO_USER, SessionId(0), Role.USER)


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a request, as rate limits and sessions know it. `device_token` is one that it sent, unchecked."""

    address: str
    user_agent: str = ""
    device_token: str = ""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """`expires_in_s`: the lifetime of the access token. `device_token`: set by a sign-in."""

    access_token: str
    refresh_token: str
    expires_in_s: int
    device_token: str | None = None


@dataclass(frozen=True, slots=True)
class SignInChallenge:
    """A sign-in that a code of the second factor completes."""

    token: str
    methods: tuple[SecondFactorMethod, ...]
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The password and the code that a user entered to confirm a change; None: not entered."""

    password: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class SecondFactorStatus:
    """`enabled_at_ms` is None without a second factor."""

    enabled_at_ms: int | None
    recovery_codes_left: int


@dataclass(frozen=True, slots=True)
class SecondFactorSetup:
    """The secret for an authenticator app, alone and as an `otpauth` URI."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """A WebAuthn credential. `backup_eligible`: it may be on several devices; `backed_up`: it is.

    `aaguid` identifies the kind of authenticator. `last_used_at_ms` is None before the first use.
    """

    id: PasskeyId
    name: str
    aaguid: str
    backup_eligible: bool
    backed_up: bool
    created_at_ms: int
    last_used_at_ms: int | None


@dataclass(frozen=True, slots=True)
class LinkedProvider:
    """An identity provider with which a user signs in; `email` is the address that it named, or empty."""

    name: str
    email: str
    linked_at_ms: int


@dataclass(frozen=True, slots=True)
class SignInMethods:
    """Ways in which a user can sign in. `passkeys` is their number."""

    password: bool
    providers: tuple[LinkedProvider, ...]
    passkeys: int
    second_factor: bool


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A signed-in device; `current` marks the session of the request. `second_factor` is None without one."""

    id: SessionId
    user_agent: str
    address: str
    created_at_ms: int
    last_used_at_ms: int
    current: bool
    method: SignInMethod
    second_factor: SecondFactorMethod | None


@dataclass(frozen=True, slots=True)
class Relationship:
    """Relationship of a viewer to a user; `requested`: a request to follow that is not answered yet.

    That to oneself has nothing.
    """

    following: bool
    requested: bool
    followed_by: bool
    blocking: bool
    muting: bool


NO_RELATIONSHIP = Relationship(False, False, False, False, False)


@dataclass(frozen=True, slots=True)
class UserCard:
    """A user as shown beside posts and comments. The higher `revision` is newer.

    `revision` and `is_private` are not shown.
    """

    id: UserId
    username: str
    full_name: str
    avatar_url: str | None
    is_celebrity: bool
    revision: int = 0
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """A user's e-mail address; `pending` is to replace it as soon as it is verified."""

    email: str
    verified: bool
    pending: str | None


@dataclass(frozen=True, slots=True)
class RelatedUser:
    """A user in a list, with the viewer's relationship to that user."""

    card: UserCard
    relationship: Relationship


@dataclass(frozen=True, slots=True)
class Profile:
    """A user's profile. `address` and `role` are set on one's own profile only, `relationship` on others only."""

    id: UserId
    username: str
    address: OwnAddress | None
    full_name: str
    bio: str
    website: str
    avatar_url: str | None
    role: Role | None
    is_celebrity: bool
    posts_count: int
    followers_count: int
    following_count: int
    created_at_ms: int
    is_private: bool
    search_engines: SearchEngines
    share_url: str | None
    relationship: Relationship | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One rendition of a picture."""

    url: str
    width: int
    height: int
    type: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place at a latitude and a longitude in degrees."""

    id: PlaceId
    name: str
    lat: float
    lng: float


@dataclass(frozen=True, slots=True)
class Tag:
    """A user in a picture, at `x` and `y` in units of `POSITION_SCALE` from the upper left corner."""

    user_id: UserId
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class TagSettings:
    """Settings about tags of a user. With `manual_approval`, others see a tag only after the user approved it."""

    allowed_from: TagPermission
    manual_approval: bool


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a post, whose largest rendition has `width` x `height` pixels.

    Holds the folder's URL and the names of renditions, because caches keep many: `sources` computes the rest.
    `query` is the signature that follows the URL of each rendition, or empty. Media keep their id in a post.
    `tags` are the approved ones.
    """

    id: MediaId
    base_url: str
    width: int
    height: int
    blurhash: str
    alt_text: str
    variants: tuple[str, ...]
    query: str = ""
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaProblem:
    """Why an upload is no picture: a stable code, and a text for the user."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class UnusedMedia:
    """A picture that no post uses yet. `image` is None until it is processed; `problem` is set if that failed."""

    id: MediaId
    status: MediaStatus
    alt_text: str
    image: Image | None
    problem: MediaProblem | None
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class ResumableUpload:
    """An upload of `length` bytes, the first `offset` of which have arrived."""

    id: MediaId
    length: int
    offset: int
    metadata: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class PostCard:
    """The part of a post that seldom changes; compared by identity, so that caches can render it once.

    `mentions` maps the names in the caption, as they were written, to the users that they meant. `changed_at_ms`
    identifies the card: an edit changes it, and so do renditions that are added later, and a pin.
    """

    id: PostId
    author_id: UserId
    caption: str
    mentions: dict[str, UserId]
    hashtags: tuple[str, ...]
    images: tuple[Image, ...]
    created_at_ms: int
    edited_at_ms: int | None
    changed_at_ms: int | None
    audience: Audience
    pinned: bool
    options: PostOptions
    place: Place | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """A post as one viewer sees it, with the relationship to its author; compared by identity.

    `likes_count` and `comments_count` are stored values. Viewers get `shown_likes_count` and `shown_comments_count`.
    The higher `revision` is newer. Only the author sees an archived post. `is_own`: the viewer is the author.
    `liked_by` are up to two likers that the viewer follows; None if they were not read.
    """

    card: PostCard
    author: UserCard
    likes_count: int
    comments_count: int
    liked: bool
    saved: bool
    relationship: Relationship
    revision: int = 0
    archived: bool = False
    liked_by: tuple[RelatedUser, ...] | None = None
    is_own: bool = False

    @property
    def id(self) -> PostId:
        return self.card.id

    @property
    def shown_likes_count(self) -> int | None:
        """Return the number of likes; None if only the author sees it."""
        return self.likes_count if self.is_own or not self.card.options.like_count_hidden else None

    @property
    def shown_comments_count(self) -> int:
        """Return the number of comments that are not hidden: none while comments are turned off."""
        return self.comments_count if self.card.options.comments_enabled else 0

    @property
    def is_public(self) -> bool:
        """Return whether everybody may see the post; otherwise its pictures need signed addresses."""
        return self.card.audience is Audience.PUBLIC and not (self.author.is_private or self.archived)

    @property
    def status(self) -> PostStatus:
        return PostStatus.ARCHIVED if self.archived else PostStatus.PUBLISHED


@dataclass(frozen=True, slots=True)
class PostVersion:
    """A post as it was before an edit at `replaced_at_ms`.

    `images` are the pictures that it still has, with the alt texts of that time; `removed_images` counts the others.
    """

    id: VersionId
    caption: str
    hashtags: tuple[str, ...]
    images: tuple[Image, ...]
    removed_images: int
    replaced_at_ms: int


@dataclass(frozen=True, slots=True)
class DraftProblem:
    """Why a scheduled post was not published at its time: a stable code, and a text for the author."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A post that is not published yet, as its author sees it. `publish_at_ms` is None unless it is scheduled."""

    id: DraftId
    author: UserCard
    caption: str
    hashtags: tuple[str, ...]
    audience: Audience
    options: PostOptions
    images: tuple[Image, ...]
    publish_at_ms: int | None
    problem: DraftProblem | None
    edited_at_ms: int | None

    @property
    def status(self) -> PostStatus:
        return PostStatus.DRAFT if self.publish_at_ms is None else PostStatus.SCHEDULED


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as one viewer sees it.

    `pending`: the viewer, the post's author, has not approved it. `edited_at_ms` is None before the first edit.
    """

    id: CommentId
    post_id: PostId
    parent_id: CommentId | None
    author: UserCard
    relationship: Relationship
    content: str
    mentions: dict[str, UserId]
    replies_count: int
    likes_count: int
    created_at_ms: int
    edited_at_ms: int | None
    pending: bool
    pinned: bool
    liked: bool


@dataclass(frozen=True, slots=True)
class PostPreview:
    """A post in a list of something else; `is_public`: everybody may see it. `image` is its first picture."""

    id: PostId
    image: Image | None
    is_public: bool


@dataclass(frozen=True, slots=True)
class Collection:
    """A named list of saved posts; `covers` are the newest of them.

    `posts_count` includes posts that are hidden at present. `has_post`: whether it has the post that was asked about.
    """

    id: CollectionId
    name: str
    posts_count: int
    covers: tuple[PostPreview, ...]
    created_at_ms: int
    has_post: bool | None = None


@dataclass(frozen=True, slots=True)
class CommentPreview:
    id: CommentId
    content: str


@dataclass(frozen=True, slots=True)
class OwnComment:
    """A comment in its author's list, with its post."""

    comment: Comment
    post: PostPreview


@dataclass(frozen=True, slots=True)
class Notification:
    """`sequence` numbers the notifications of one recipient in the order of their commits: 1, 2, 3, ...

    Notifications of the service have the recipient as actor. `subject_id` is then a decision, or the own report.

    `others_count`: how many other users liked the same post or comment before the actor; 0 for other types.
    """

    id: NotificationId
    recipient_id: UserId
    sequence: int
    type: NotificationType
    actor: UserCard
    relationship: Relationship
    post: PostPreview | None
    comment: CommentPreview | None
    read: bool
    created_at_ms: int
    others_count: int = 0
    subject_id: int = 0

    @property
    def post_id(self) -> PostId | None:
        return None if self.post is None else self.post.id

    @property
    def comment_id(self) -> CommentId | None:
        return None if self.comment is None else self.comment.id


@dataclass(frozen=True, slots=True)
class PushDevice:
    """An app on a signed-in device that receives pushes."""

    id: DeviceId
    platform: Platform
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class LikeState:
    """State of a like, and how many users like the same; None if only the author of the post sees that."""

    liked: bool
    likes_count: int | None


@dataclass(frozen=True, slots=True)
class FollowState:
    """`requested`: the account is private and has not answered the request to follow it."""

    following: bool
    followers_count: int
    requested: bool = False
