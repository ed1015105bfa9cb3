"""Queues, kinds of job, and the jobs that each event causes after its commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from server.events import (
    AccountDeletionCancelled,
    AccountDeletionRequested,
    AccountErasureStarted,
    AccountOpened,
    AccountRestored,
    AudienceWidened,
    AvatarReplaced,
    CommentAdded,
    CommentApproved,
    CommentEdited,
    CommentLiked,
    CommentsDeleted,
    CommentUnliked,
    DigestDue,
    EmailChanged,
    EmailRequested,
    EmailVerificationRequested,
    Event,
    ExportReady,
    ExportRequested,
    FollowAccepted,
    FollowRequestChanged,
    NotificationsRead,
    PasswordChanged,
    PasswordResetRequested,
    PeopleMentioned,
    PeopleTagged,
    PersonChanged,
    PersonModerated,
    PictureRemoved,
    PicturesPublished,
    PostArchived,
    PostDeleted,
    PostLiked,
    PostPublished,
    PostRestored,
    PostScheduled,
    PostTagsChanged,
    PostTakenDown,
    PostUnliked,
    PushRequested,
    ReportsHandled,
    SearchedPostChanged,
    SecondFactorChanged,
    SecondFactorFailed,
    SessionsRevoked,
    SignedInOnNewDevice,
    SignInMethodChanged,
    SignInsFailed,
    TextMatched,
    UploadCompleted,
    UserBlocked,
    UserFollowed,
    UserRegistered,
    UserUnfollowed,
)


class Queue(StrEnum):
    """Queue names, as in metrics, Redis keys and the command line."""

    POSTS = "posts"
    FEED = "feed"
    NOTIFICATIONS = "notifications"
    PUSH = "push"
    EMAIL = "email"
    MEDIA = "media"
    RENDITIONS = "renditions"
    SEARCH = "search"
    EXPORTS = "exports"
    MAINTENANCE = "maintenance"


class JobKind(StrEnum):
    """Kinds of job, as in the jobs table and the metrics."""

    PUBLISH_POST = "posts.publish"
    FAN_OUT = "feed.fan_out"
    WITHDRAW = "feed.withdraw"
    RESTORE_POST = "feed.restore_post"
    RESTORE_AUTHOR = "feed.restore_author"
    UPDATE_TAG_LISTS = "feed.tag_lists"
    NOTIFY_LIKE = "notify.like"
    NOTIFY_COMMENT = "notify.comment"
    NOTIFY_COMMENT_LIKE = "notify.comment_like"
    NOTIFY_COMMENT_EDITED = "notify.comment_edited"
    NOTIFY_FOLLOW = "notify.follow"
    NOTIFY_FOLLOW_REQUEST = "notify.follow_request"
    NOTIFY_FOLLOW_ACCEPTED = "notify.follow_accepted"
    NOTIFY_MENTIONED = "notify.mentioned"
    NOTIFY_TAGGED = "notify.tagged"
    NOTIFY_MODERATED = "notify.moderated"
    REPORT_MATCHED = "moderation.report_matched"
    NOTIFY_REPORTERS = "notify.reporters"
    RETRACT_COMMENTS = "notify.retract_comments"
    RETRACT_BLOCKED = "notify.retract_blocked"
    FIND_DUE_DIGESTS = "notify.due_digests"
    ACCEPT_FOLLOW_REQUESTS = "people.accept_follow_requests"
    PUSH = "push.notification"
    PUSH_BADGE = "push.badge"
    EMAIL = "email.notification"
    EMAIL_DIGEST = "email.digest"
    INDEX_USER = "search.user"
    INDEX_POST = "search.post"
    PROCESS_UPLOAD = "media.process"
    ENCODE_AVIF = "renditions.avif"
    REMOVE_POST = "posts.remove"
    REMOVE_BLOCKED_TAGS = "tags.remove_blocked"
    REMOVE_PICTURE = "pictures.remove"
    REMOVE_AVATAR = "avatars.remove"
    ERASE_ACCOUNT = "accounts.erase"
    CREATE_EXPORT = "exports.create"
    PROPAGATE_REVOCATIONS = "notify.revoked"
    EMAIL_VERIFICATION = "email.verification"
    EMAIL_RESET_LINK = "email.password_reset"
    EMAIL_CREDENTIALS_CHANGED = "email.password_changed"
    EMAIL_ADDRESS_CHANGED = "email.address_changed"
    EMAIL_NEW_SIGN_IN = "email.new_sign_in"
    EMAIL_SIGN_INS_FAILED = "email.sign_ins_failed"
    EMAIL_SECOND_FACTOR_CHANGED = "email.second_factor_changed"
    EMAIL_SECOND_FACTOR_FAILED = "email.second_factor_failed"
    EMAIL_SIGN_IN_METHOD_CHANGED = "email.sign_in_method_changed"
    EMAIL_DELETION_REQUESTED = "email.deletion_requested"
    EMAIL_DELETION_CANCELLED = "email.deletion_cancelled"
    EMAIL_MODERATED = "email.moderated"
    EMAIL_EXPORT_READY = "email.export_ready"
    SWEEP_SESSIONS = "maintenance.sessions"
    RETENTION = "maintenance.retention"
    AUDIT_COUNTERS = "maintenance.counters"
    SWEEP_MEDIA = "maintenance.media"
    SWEEP_RESETS = "maintenance.resets"
    SWEEP_KEYS = "maintenance.idempotency_keys"
    SWEEP_NOTIFICATIONS = "maintenance.notifications"
    FIND_DUE_ERASURES = "maintenance.erasures"
    REFRESH_SEARCH = "maintenance.search"
    SWEEP_EXPORTS = "maintenance.exports"
    RANK_EXPLORE = "maintenance.explore"
    ADD_PICTURE_HASHES = "maintenance.picture_hashes"
    FIND_TRENDS = "maintenance.trends"


NORMAL = 0
HIGH = 1


@dataclass(frozen=True, slots=True)
class EventJob:
    """A job that an event causes; its payload is the fields of the event."""

    queue: Queue
    kind: JobKind
    priority: int = NORMAL


JOBS_BY_EVENT: Mapping[type[Event], tuple[EventJob, ...]] = {
    PostScheduled: (EventJob(Queue.POSTS, JobKind.PUBLISH_POST),),
    PostPublished: (EventJob(Queue.FEED, JobKind.FAN_OUT),),
    AudienceWidened: (EventJob(Queue.FEED, JobKind.FAN_OUT),),
    PostTagsChanged: (EventJob(Queue.FEED, JobKind.UPDATE_TAG_LISTS),),
    SearchedPostChanged: (EventJob(Queue.SEARCH, JobKind.INDEX_POST),),
    PostTakenDown: (EventJob(Queue.SEARCH, JobKind.INDEX_POST),),
    PostArchived: (EventJob(Queue.SEARCH, JobKind.INDEX_POST),),
    PostDeleted: (
        EventJob(Queue.FEED, JobKind.WITHDRAW, HIGH),
        EventJob(Queue.MAINTENANCE, JobKind.REMOVE_POST),
        EventJob(Queue.SEARCH, JobKind.INDEX_POST),
    ),
    PostRestored: (
        EventJob(Queue.FEED, JobKind.RESTORE_POST, HIGH),
        EventJob(Queue.SEARCH, JobKind.INDEX_POST),
    ),
    UserRegistered: (EventJob(Queue.SEARCH, JobKind.INDEX_USER),),
    PersonChanged: (EventJob(Queue.SEARCH, JobKind.INDEX_USER),),
    AccountErasureStarted: (EventJob(Queue.MAINTENANCE, JobKind.ERASE_ACCOUNT),),
    ExportRequested: (EventJob(Queue.EXPORTS, JobKind.CREATE_EXPORT),),
    ExportReady: (EventJob(Queue.EMAIL, JobKind.EMAIL_EXPORT_READY),),
    UploadCompleted: (EventJob(Queue.MEDIA, JobKind.PROCESS_UPLOAD),),
    PicturesPublished: (EventJob(Queue.RENDITIONS, JobKind.ENCODE_AVIF),),
    PictureRemoved: (EventJob(Queue.MAINTENANCE, JobKind.REMOVE_PICTURE),),
    AvatarReplaced: (EventJob(Queue.MAINTENANCE, JobKind.REMOVE_AVATAR),),
    # An activity and its retraction share a kind: the job reads which of them applies.
    UserFollowed: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_FOLLOW),),
    UserUnfollowed: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_FOLLOW),),
    FollowRequestChanged: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_FOLLOW_REQUEST),),
    FollowAccepted: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_FOLLOW_ACCEPTED),),
    UserBlocked: (
        EventJob(Queue.NOTIFICATIONS, JobKind.RETRACT_BLOCKED),
        EventJob(Queue.MAINTENANCE, JobKind.REMOVE_BLOCKED_TAGS),
    ),
    AccountRestored: (EventJob(Queue.FEED, JobKind.RESTORE_AUTHOR, HIGH),),
    AccountOpened: (EventJob(Queue.MAINTENANCE, JobKind.ACCEPT_FOLLOW_REQUESTS),),
    PostLiked: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_LIKE),),
    PostUnliked: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_LIKE),),
    CommentAdded: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_COMMENT),),
    CommentApproved: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_COMMENT),),
    CommentEdited: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_COMMENT_EDITED),),
    CommentLiked: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_COMMENT_LIKE),),
    CommentUnliked: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_COMMENT_LIKE),),
    CommentsDeleted: (EventJob(Queue.NOTIFICATIONS, JobKind.RETRACT_COMMENTS),),
    PeopleMentioned: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_MENTIONED),),
    PeopleTagged: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_TAGGED),),
    PersonModerated: (
        EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_MODERATED),
        EventJob(Queue.EMAIL, JobKind.EMAIL_MODERATED, HIGH),
    ),
    TextMatched: (EventJob(Queue.MAINTENANCE, JobKind.REPORT_MATCHED),),
    ReportsHandled: (EventJob(Queue.NOTIFICATIONS, JobKind.NOTIFY_REPORTERS),),
    PushRequested: (EventJob(Queue.PUSH, JobKind.PUSH),),
    NotificationsRead: (EventJob(Queue.PUSH, JobKind.PUSH_BADGE),),
    EmailRequested: (EventJob(Queue.EMAIL, JobKind.EMAIL),),
    DigestDue: (EventJob(Queue.EMAIL, JobKind.EMAIL_DIGEST),),
    SessionsRevoked: (EventJob(Queue.NOTIFICATIONS, JobKind.PROPAGATE_REVOCATIONS, HIGH),),
    # The user waits for these e-mails, so they precede notifications.
    EmailVerificationRequested: (EventJob(Queue.EMAIL, JobKind.EMAIL_VERIFICATION, HIGH),),
    PasswordResetRequested: (EventJob(Queue.EMAIL, JobKind.EMAIL_RESET_LINK, HIGH),),
    PasswordChanged: (EventJob(Queue.EMAIL, JobKind.EMAIL_CREDENTIALS_CHANGED, HIGH),),
    EmailChanged: (EventJob(Queue.EMAIL, JobKind.EMAIL_ADDRESS_CHANGED, HIGH),),
    SignedInOnNewDevice: (EventJob(Queue.EMAIL, JobKind.EMAIL_NEW_SIGN_IN, HIGH),),
    SignInsFailed: (EventJob(Queue.EMAIL, JobKind.EMAIL_SIGN_INS_FAILED, HIGH),),
    SecondFactorChanged: (EventJob(Queue.EMAIL, JobKind.EMAIL_SECOND_FACTOR_CHANGED, HIGH),),
    SecondFactorFailed: (EventJob(Queue.EMAIL, JobKind.EMAIL_SECOND_FACTOR_FAILED, HIGH),),
    SignInMethodChanged: (EventJob(Queue.EMAIL, JobKind.EMAIL_SIGN_IN_METHOD_CHANGED, HIGH),),
    AccountDeletionRequested: (EventJob(Queue.EMAIL, JobKind.EMAIL_DELETION_REQUESTED, HIGH),),
    AccountDeletionCancelled: (EventJob(Queue.EMAIL, JobKind.EMAIL_DELETION_CANCELLED, HIGH),),
}
