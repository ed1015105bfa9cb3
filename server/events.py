"""Events: facts in the past tense, recorded in the transaction of their change.

An event is plain data. `services/jobs/event_jobs.py` maps events to jobs.
"""

from dataclasses import dataclass
from typing import Literal

from server.ids import (
    ActionId,
    CaseId,
    CommentId,
    DraftId,
    ExportId,
    FilterId,
    MediaId,
    NotificationId,
    PostId,
    SessionId,
    UserId,
)

CachedKind = Literal["post", "person", "feed", "likes"]


@dataclass(frozen=True, slots=True)
class CacheKey:
    """A cached object that a change makes stale: a post, a user's card, feed, or likes and saves."""

    kind: CachedKind
    id: int


@dataclass(frozen=True, slots=True)
class Event:
    """Base class of events; every field is a number or text, so that it can be stored as JSON."""


@dataclass(frozen=True, slots=True)
class DelayedEvent(Event):
    """An event whose jobs are due at `due_at_ms`, in database time."""

    due_at_ms: int


@dataclass(frozen=True, slots=True)
class PostScheduled(DelayedEvent):
    """A draft is to be published at that time. What its row says then applies, so an outdated job changes nothing."""

    draft_id: DraftId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PostPublished(Event):
    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PicturesPublished(Event):
    """Pictures that were added to a post have JPEG renditions only, and their originals are stored."""

    post_id: PostId


@dataclass(frozen=True, slots=True)
class PictureRemoved(Event):
    """An edit removed a picture from a post; its files are below `media_key`."""

    post_id: PostId
    media_key: str


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
class SavesChanged(Event):
    """A user saved a post, or removed a save."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class LikeChanged(Event):
    """A user likes a post or no longer does; the post's `revision` orders such events."""

    post_id: PostId
    actor_id: UserId
    liked: bool
    revision: int


@dataclass(frozen=True, slots=True)
class PostChanged(Event):
    """The current state of a post, without its pictures; caches identify its card by `changed_at_ms`."""

    post_id: PostId
    author_id: UserId
    revision: int
    likes_count: int
    comments_count: int
    changed_at_ms: int | None
    audience: str
    archived: bool


@dataclass(frozen=True, slots=True)
class AudienceWidened(Event):
    """A post for close friends is now for all followers, whose feeds lack it."""

    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class SearchedPostChanged(Event):
    """A post with a caption was published or is shown again, or its caption or audience was edited."""

    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PostDeleted(Event):
    """The post is hidden; its pictures, likes and comments still exist."""

    post_id: PostId
    author_id: UserId
    revision: int


@dataclass(frozen=True, slots=True)
class PostTakenDown(Event):
    """Moderators hid the post; it stays in feeds, which do not show it, until it is restored."""

    post_id: PostId
    author_id: UserId
    revision: int


@dataclass(frozen=True, slots=True)
class PostArchived(Event):
    """The author hid the post from everybody else; it stays in feeds, which do not show it, until it is restored."""

    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PostRestored(Event):
    """A post that was taken down or archived is shown again; feeds that were built in between lack it."""

    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PersonModerated(Event):
    """Moderators decided about a user's account or content, or about an appeal against that."""

    action_id: ActionId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class TextMatched(Event):
    """A text of a post, a comment or a user matches a filter, whose matches are reported."""

    subject_type: str
    subject_id: int
    author_id: UserId
    filter_id: FilterId


@dataclass(frozen=True, slots=True)
class ReportsHandled(Event):
    """Moderators resolved the reports of a case."""

    case_id: CaseId


@dataclass(frozen=True, slots=True)
class CommentAdded(Event):
    comment_id: CommentId
    post_id: PostId
    post_author_id: UserId
    actor_id: UserId
    answered_id: UserId | None


@dataclass(frozen=True, slots=True)
class CommentApproved(Event):
    """The author of a post approved a pending comment, which is news to `answered_id` and to mentioned users."""

    comment_id: CommentId
    post_id: PostId
    actor_id: UserId
    answered_id: UserId | None


@dataclass(frozen=True, slots=True)
class CommentEdited(Event):
    """The mentions in an approved comment changed."""

    comment_id: CommentId
    post_id: PostId
    actor_id: UserId


@dataclass(frozen=True, slots=True)
class CommentLiked(Event):
    comment_id: CommentId
    post_id: PostId
    author_id: UserId
    actor_id: UserId


@dataclass(frozen=True, slots=True)
class CommentUnliked(Event):
    comment_id: CommentId
    post_id: PostId
    author_id: UserId
    actor_id: UserId


@dataclass(frozen=True, slots=True)
class CommentsDeleted(Event):
    """A comment of this post and its replies were deleted."""

    post_id: PostId


@dataclass(frozen=True, slots=True)
class PeopleMentioned(Event):
    """The caption mentions users, some of whom it may have mentioned before."""

    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PeopleTagged(Event):
    """The users that are tagged in the pictures of a post changed."""

    post_id: PostId
    author_id: UserId


@dataclass(frozen=True, slots=True)
class PushRequested(Event):
    """A notification was created for a user who wants pushes of its type."""

    notification_id: NotificationId
    recipient_id: UserId


@dataclass(frozen=True, slots=True)
class NotificationsRead(DelayedEvent):
    """A user read notifications in a session, and other devices show a badge."""

    user_id: UserId
    session_id: SessionId


@dataclass(frozen=True, slots=True)
class EmailRequested(Event):
    """A notification was created for a user who wants e-mails of its type."""

    notification_id: NotificationId
    recipient_id: UserId


@dataclass(frozen=True, slots=True)
class DigestDue(Event):
    """The digest of a user is due: the e-mail that sums up what happened since the previous one."""

    digest_id: int
    user_id: UserId


@dataclass(frozen=True, slots=True)
class AvatarReplaced(Event):
    """`media_key` belongs to the previous avatar."""

    user_id: UserId
    media_key: str


@dataclass(frozen=True, slots=True)
class UploadCompleted(Event):
    """All bytes of an upload have arrived; its media wait for processing."""

    media_id: MediaId


@dataclass(frozen=True, slots=True)
class UserFollowed(Event):
    follower_id: UserId
    followee_id: UserId


@dataclass(frozen=True, slots=True)
class UserUnfollowed(Event):
    follower_id: UserId
    followee_id: UserId


@dataclass(frozen=True, slots=True)
class FollowBackChanged(Event):
    """Another user, followed by this one, began or ended to follow back."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class FollowRequestChanged(Event):
    """A user asked to follow a private account, or the request was withdrawn or answered."""

    requester_id: UserId
    target_id: UserId


@dataclass(frozen=True, slots=True)
class FollowAccepted(Event):
    """A private account accepted a request, so that the requester follows it."""

    follower_id: UserId
    followee_id: UserId


@dataclass(frozen=True, slots=True)
class UserBlocked(Event):
    blocker_id: UserId
    blocked_id: UserId


@dataclass(frozen=True, slots=True)
class UserUnblocked(Event):
    blocker_id: UserId
    blocked_id: UserId


@dataclass(frozen=True, slots=True)
class RestrictionChanged(Event):
    """A user restricted another one, or no longer does."""

    owner_id: UserId
    restricted_id: UserId


@dataclass(frozen=True, slots=True)
class DismissalChanged(Event):
    """A user dismissed a suggested user, or allowed to suggest a user again."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class HashtagFollowChanged(Event):
    """A user followed a hashtag, or no longer does."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class PostTagsChanged(Event):
    """Followed hashtags began or ceased to count a post; their ids are divided by commas."""

    post_id: PostId
    hashtag_ids: str


@dataclass(frozen=True, slots=True)
class MuteChanged(Event):
    """A user muted another one, or no longer does."""

    muter_id: UserId
    muted_id: UserId


@dataclass(frozen=True, slots=True)
class CloseFriendsChanged(Event):
    """A user was added to the list of close friends of another one, or removed from it."""

    owner_id: UserId
    friend_id: UserId


@dataclass(frozen=True, slots=True)
class AccountOpened(Event):
    """A private account became public: pending requests to follow it are accepted."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class PersonChanged(Event):
    """A value on a user's card changed, or whether others see the user."""

    user_id: UserId
    revision: int
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class AccountRestored(Event):
    """A hidden account is active again: feeds built in the meantime lack its posts."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class AccountDeletionRequested(Event):
    """The owner deleted an account; it is erased after `delete_after_ms`."""

    user_id: UserId
    delete_after_ms: int


@dataclass(frozen=True, slots=True)
class AccountDeletionCancelled(Event):
    """The owner of an account that was to be erased signed in."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class AccountErasureStarted(Event):
    """The deletion of an account is final; its name and its password are gone."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class FollowErased(Event):
    """A follow was deleted with the account of one of the two users; there is no notification."""

    follower_id: UserId
    followee_id: UserId


@dataclass(frozen=True, slots=True)
class UserRegistered(Event):
    user_id: UserId


@dataclass(frozen=True, slots=True)
class EmailVerificationRequested(Event):
    """The user entered an address that has to be verified, or requested another e-mail to it."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class EmailChanged(Event):
    """A verified address, `previous`, was replaced by another one. `recovery_id` is that of a reserved e-mail token."""

    user_id: UserId
    previous: str
    email: str
    recovery_id: int


@dataclass(frozen=True, slots=True)
class ExportRequested(Event):
    """The user requested an archive of everything that is stored about the account."""

    export_id: ExportId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class ExportReady(Event):
    """An archive can be downloaded."""

    export_id: ExportId
    user_id: UserId


@dataclass(frozen=True, slots=True)
class SessionsRevoked(Event):
    user_id: UserId


@dataclass(frozen=True, slots=True)
class PasswordResetRequested(Event):
    """A reset was requested; an account with this address may not exist."""

    email_key: str


@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    user_id: UserId


@dataclass(frozen=True, slots=True)
class SignedInOnNewDevice(Event):
    """A session began on a device that the user had not signed in on before."""

    user_id: UserId
    user_agent: str
    address: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class SignInsFailed(Event):
    """Wrong passwords were entered for this user, so often that the owner should know."""

    user_id: UserId
    failures: int


@dataclass(frozen=True, slots=True)
class SecondFactorChanged(Event):
    """The second factor was enabled, disabled or used in a way that its owner should know of.

    `change` is a `SecondFactorChange`. `recovery_id` is that of a reserved e-mail token.
    """

    user_id: UserId
    change: str
    recovery_id: int


@dataclass(frozen=True, slots=True)
class SecondFactorFailed(Event):
    """Wrong codes were entered after the right password, so that another person may know it."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class SignInMethodChanged(Event):
    """A passkey or an identity provider was added to an account or removed, or a passkey was refused as a copy.

    `change` is a `MethodChange`; `name` is that of the passkey or provider. `recovery_id` is that of a reserved e-mail
    token.
    """

    user_id: UserId
    change: str
    name: str
    recovery_id: int
