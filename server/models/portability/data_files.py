"""Data files of an export, and the tables and columns that they come from.

Of other users, exports have ids only, and the names of those that the user may see. A new table that names
users needs a file here, or an entry in `NOT_EXPORTED` with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """Kinds of values: how the value of a column is written as JSON."""

    ID = "id"  # a decimal string
    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"  # a boolean
    TIME = "time"  # from milliseconds
    ID_TIME = "id_time"  # the time in an id
    NAME = "name"  # the column is a user's id; written is the name, or null if the user is hidden
    LIST = "list"  # a JSON array
    NAMES = "names"  # a JSON object from names to user ids
    ALT_TEXTS = "alt_texts"  # a JSON list of pairs of an id and a text; written are the texts


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the JSON objects in a file, from an SQL expression."""

    column: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class DataFile:
    """A JSON file with an array: one object per row of `source` whose column `owner` is the user.

    Rows are in the order of `key`, a unique number. `tables` are those whose data it has.
    """

    name: str
    source: str
    owner: str
    members: Mapping[str, Member]
    tables: tuple[str, ...]
    key: str = "t.id"
    condition: str = "TRUE"


def _pairs(name: str, table: str, owner: str, other: str) -> DataFile:
    members = {
        "userId": Member(f"t.{other}", Kind.ID),
        "username": Member(f"t.{other}", Kind.NAME),
        "since": Member("t.id", Kind.ID_TIME),
    }
    return DataFile(name, f"{table} t", f"t.{owner}", members, (f"{table}.{owner}",))


PROFILE = DataFile(
    "profile",
    "users t",
    "t.id",
    {
        "id": Member("t.id", Kind.ID),
        "username": Member("t.username"),
        "email": Member("t.email"),
        "emailVerifiedAt": Member("t.email_verified_at_ms", Kind.TIME),
        "pendingEmail": Member("t.pending_email"),
        "fullName": Member("t.full_name"),
        "bio": Member("t.bio"),
        "website": Member("t.website"),
        "role": Member("t.role"),
        "isPrivate": Member("t.is_private", Kind.FLAG),
        "tagsFrom": Member("t.tags_from"),
        "approvesTags": Member("t.approves_tags", Kind.FLAG),
        "searchEngines": Member("t.search_engines"),
        "status": Member("t.status"),
        "suspendedUntil": Member("t.suspended_until_ms", Kind.TIME),
        "deletedAt": Member("t.delete_after_ms", Kind.TIME),
        "postsCount": Member("t.posts_count", Kind.NUMBER),
        "followersCount": Member("t.followers_count", Kind.NUMBER),
        "followingCount": Member("t.following_count", Kind.NUMBER),
        "createdAt": Member("t.created_at_ms", Kind.TIME),
        "passwordChangedAt": Member("t.password_changed_at_ms", Kind.TIME),
    },
    ("users.id",),
)
POST_HISTORY = DataFile(
    "post_history",
    "post_versions t JOIN posts p ON p.id = t.post_id",
    "p.author_id",
    {
        "postId": Member("t.post_id", Kind.ID),
        "caption": Member("t.caption"),
        "altTexts": Member("t.images", Kind.ALT_TEXTS),
        "audience": Member("t.audience"),
        "replacedAt": Member("t.id", Kind.ID_TIME),
    },
    ("post_versions.post_id",),
    condition="p.deleted_at_ms IS NULL",
)
COMMENTS = DataFile(
    "comments",
    "comments t JOIN posts p ON p.id = t.post_id",
    "t.author_id",
    {
        "id": Member("t.id", Kind.ID),
        "postId": Member("t.post_id", Kind.ID),
        "postAuthorId": Member("p.author_id", Kind.ID),
        "postAuthor": Member("p.author_id", Kind.NAME),
        "parentId": Member("t.parent_id", Kind.ID),
        "content": Member("t.content"),
        "mentions": Member("t.mentions", Kind.NAMES),
        "createdAt": Member("t.id", Kind.ID_TIME),
    },
    ("comments.author_id",),
)
TAGS = DataFile(
    "tags",
    "post_tags t JOIN posts p ON p.id = t.post_id",
    "t.user_id",
    {
        "postId": Member("t.post_id", Kind.ID),
        "postAuthorId": Member("p.author_id", Kind.ID),
        "postAuthor": Member("p.author_id", Kind.NAME),
        "status": Member("t.status"),
        "taggedAt": Member("t.id", Kind.ID_TIME),
    },
    ("post_tags.user_id",),
)
LIKES = DataFile(
    "likes",
    "likes t JOIN posts p ON p.id = t.post_id",
    "t.user_id",
    {
        "postId": Member("t.post_id", Kind.ID),
        "postAuthorId": Member("p.author_id", Kind.ID),
        "postAuthor": Member("p.author_id", Kind.NAME),
        "likedAt": Member("t.id", Kind.ID_TIME),
    },
    ("likes.user_id",),
)
COMMENT_LIKES = DataFile(
    "comment_likes",
    "comment_likes t JOIN comments c ON c.id = t.comment_id",
    "t.user_id",
    {
        "commentId": Member("t.comment_id", Kind.ID),
        "postId": Member("c.post_id", Kind.ID),
        "commentAuthorId": Member("c.author_id", Kind.ID),
        "commentAuthor": Member("c.author_id", Kind.NAME),
        "likedAt": Member("t.id", Kind.ID_TIME),
    },
    ("comment_likes.user_id",),
)
COMMENT_SETTINGS = DataFile(
    "comment_settings",
    "comment_settings t",
    "t.user_id",
    {"allowedFrom": Member("t.allowed_from"), "hiddenWords": Member("t.hidden_words", Kind.LIST)},
    ("comment_settings.user_id",),
    key="t.user_id",
)
NOTIFICATIONS = DataFile(
    "notifications",
    "notifications t",
    "t.recipient_id",
    {
        "id": Member("t.id", Kind.ID),
        "type": Member("t.type"),
        "actorId": Member("t.actor_id", Kind.ID),
        "actor": Member("t.actor_id", Kind.NAME),
        "postId": Member("t.post_id", Kind.ID),
        "commentId": Member("t.comment_id", Kind.ID),
        "readAt": Member("t.read_at_ms", Kind.TIME),
        "createdAt": Member("t.created_at_ms", Kind.TIME),
    },
    ("notifications.recipient_id",),
    condition="t.retracted = 0 AND t.in_app = 1",
)
PREFERENCES = DataFile(
    "notification_preferences",
    "notification_preferences t",
    "t.user_id",
    {
        "type": Member("t.type"),
        "push": Member("t.push", Kind.FLAG),
        "email": Member("t.email", Kind.FLAG),
        "inApp": Member("t.in_app", Kind.FLAG),
    },
    ("notification_preferences.user_id",),
)
EMAIL_PREFERENCES = DataFile(
    "email_preferences",
    "inboxes t",
    "t.user_id",
    {"frequency": Member("t.email_frequency")},
    ("inboxes.user_id",),
    key="t.user_id",
    condition="t.email_frequency IS NOT NULL",
)
SESSIONS = DataFile(
    "sessions",
    "sessions t",
    "t.user_id",
    {
        "id": Member("t.id", Kind.ID),
        "userAgent": Member("t.user_agent"),
        "address": Member("t.address"),
        "createdAt": Member("t.created_at_ms", Kind.TIME),
        "lastUsedAt": Member("t.last_used_at_ms", Kind.TIME),
        "expiresAt": Member("t.expires_at_ms", Kind.TIME),
        "revokedAt": Member("t.revoked_at_ms", Kind.TIME),
    },
    ("sessions.user_id",),
)
DEVICES = DataFile(
    "devices",
    "devices t",
    "t.user_id",
    {
        "id": Member("t.id", Kind.ID),
        "platform": Member("t.platform"),
        "sessionId": Member("t.session_id", Kind.ID),
        "createdAt": Member("t.created_at_ms", Kind.TIME),
        "registeredAt": Member("t.registered_at_ms", Kind.TIME),
    },
    ("devices.user_id",),
)
REPORTS = DataFile(
    "reports",
    "reports t JOIN report_cases r ON r.id = t.case_id",
    "t.reporter_id",
    {
        "id": Member("t.id", Kind.ID),
        "subjectType": Member("r.subject_type"),
        "subjectId": Member("r.subject_id", Kind.ID),
        "reason": Member("t.reason"),
        "comment": Member("t.comment"),
        "createdAt": Member("t.id", Kind.ID_TIME),
    },
    ("reports.reporter_id",),
)
MODERATION = DataFile(
    "moderation",
    "moderation_actions t",
    "t.author_id",
    {
        "id": Member("t.id", Kind.ID),
        "action": Member("t.action"),
        "reason": Member("t.reason"),
        "message": Member("t.message"),
        "aboutId": Member("t.about_id", Kind.ID),
        "subjectType": Member("t.subject_type"),
        "subjectId": Member("t.subject_id", Kind.ID),
        "until": Member("t.until_ms", Kind.TIME),
        "createdAt": Member("t.created_at_ms", Kind.TIME),
    },
    ("moderation_actions.author_id",),
    condition="t.action IN ('warn', 'take_down', 'suspend', 'ban', 'restore', 'appeal', 'uphold', 'reverse')",
)
APPEALS = DataFile(
    "appeals",
    "appeals t",
    "t.user_id",
    {
        "id": Member("t.id", Kind.ID),
        "decisionId": Member("t.action_id", Kind.ID),
        "comment": Member("t.comment"),
        "status": Member("t.status"),
        "createdAt": Member("t.id", Kind.ID_TIME),
    },
    ("appeals.user_id",),
)
SAVES = DataFile(
    "saved",
    "saves t JOIN posts p ON p.id = t.post_id",
    "t.user_id",
    {
        "postId": Member("t.post_id", Kind.ID),
        "postAuthorId": Member("p.author_id", Kind.ID),
        "postAuthor": Member("p.author_id", Kind.NAME),
        "savedAt": Member("t.id", Kind.ID_TIME),
    },
    ("saves.user_id",),
)
COLLECTIONS = DataFile(
    "collections",
    "collections t",
    "t.user_id",
    {
        "id": Member("t.id", Kind.ID),
        "name": Member("t.name"),
        "createdAt": Member("t.id", Kind.ID_TIME),
    },
    ("collections.user_id",),
)
COLLECTION_POSTS = DataFile(
    "collection_posts",
    "collection_posts t JOIN collections c ON c.id = t.collection_id JOIN saves s ON s.id = t.saved_id",
    "c.user_id",
    {
        "collectionId": Member("t.collection_id", Kind.ID),
        "postId": Member("s.post_id", Kind.ID),
        "addedAt": Member("t.id", Kind.ID_TIME),
    },
    (),
)
RECENT_SEARCHES = DataFile(
    "recent_searches",
    "recent_searches t",
    "t.user_id",
    {"text": Member("t.text"), "searchedAt": Member("t.id", Kind.ID_TIME)},
    ("recent_searches.user_id",),
)
EXTERNAL_IDENTITIES = DataFile(
    "external_identities",
    "external_identities t",
    "t.user_id",
    {
        "provider": Member("t.provider"),
        "email": Member("t.email"),
        "linkedAt": Member("t.created_at_ms", Kind.TIME),
    },
    ("external_identities.user_id",),
)
SECOND_FACTOR = DataFile(
    "second_factor",
    "second_factors t",
    "t.user_id",
    {
        "createdAt": Member("t.created_at_ms", Kind.TIME),
        "enabledAt": Member("t.enabled_at_ms", Kind.TIME),
    },
    ("second_factors.user_id",),
    key="t.user_id",
)
PASSKEYS = DataFile(
    "passkeys",
    "passkeys t",
    "t.user_id",
    {
        "id": Member("t.id", Kind.ID),
        "name": Member("t.name"),
        "backedUp": Member("t.backed_up", Kind.FLAG),
        "createdAt": Member("t.created_at_ms", Kind.TIME),
        "lastUsedAt": Member("t.last_used_at_ms", Kind.TIME),
    },
    ("passkeys.user_id",),
)
FORMER_USERNAMES = DataFile(
    "former_usernames",
    "former_usernames t",
    "t.user_id",
    {
        "username": Member("t.username_key"),
        "reservedUntil": Member("t.reserved_until_ms", Kind.TIME),
    },
    ("former_usernames.user_id",),
)
EXPORTS = DataFile(
    "exports",
    "exports t",
    "t.user_id",
    {
        "id": Member("t.id", Kind.ID),
        "status": Member("t.status"),
        "requestedAt": Member("t.id", Kind.ID_TIME),
    },
    ("exports.user_id",),
)
FOLLOWED_HASHTAGS = DataFile(
    "followed_hashtags",
    "hashtag_follows t JOIN hashtags h ON h.id = t.hashtag_id",
    "t.user_id",
    {"tag": Member("h.tag"), "since": Member("t.id", Kind.ID_TIME)},
    ("hashtag_follows.user_id",),
)
DATA_FILES = (
    PROFILE,
    POST_HISTORY,
    TAGS,
    COMMENTS,
    LIKES,
    COMMENT_LIKES,
    SAVES,
    COLLECTIONS,
    COLLECTION_POSTS,
    COMMENT_SETTINGS,
    _pairs("following", "follows", "follower_id", "followee_id"),
    _pairs("followers", "follows", "followee_id", "follower_id"),
    _pairs("follow_requests_sent", "follow_requests", "requester_id", "target_id"),
    _pairs("follow_requests_received", "follow_requests", "target_id", "requester_id"),
    _pairs("blocks", "blocks", "blocker_id", "blocked_id"),
    _pairs("mutes", "mutes", "muter_id", "muted_id"),
    _pairs("close_friends", "close_friends", "owner_id", "friend_id"),
    _pairs("dismissed_suggestions", "dismissed_suggestions", "user_id", "dismissed_id"),
    _pairs("restricted_users", "restrictions", "owner_id", "restricted_id"),
    NOTIFICATIONS,
    PREFERENCES,
    EMAIL_PREFERENCES,
    SESSIONS,
    DEVICES,
    REPORTS,
    MODERATION,
    APPEALS,
    RECENT_SEARCHES,
    FOLLOWED_HASHTAGS,
    EXTERNAL_IDENTITIES,
    SECOND_FACTOR,
    PASSKEYS,
    FORMER_USERNAMES,
    EXPORTS,
)
# Columns that name a user and are in no data file.
NOT_EXPORTED: Mapping[str, str] = MappingProxyType(
    {
        "posts.author_id": "in posts.json, with the pictures",
        "drafts.author_id": "in drafts.json, with the pictures",
        "media.owner_id": "in unused_media.json and drafts.json, with the pictures",
        "uploads.owner_id": "unfinished uploads have no picture yet and expire within a day",
        "hashtag_posts.author_id": "an index of posts.json",
        "place_posts.author_id": "an index of posts.json",
        "search_entries.subject_id": "an index of profile.json",
        "blocks.blocked_id": "who blocked the user is private to others",
        "mutes.muted_id": "who muted the user is private to others",
        "dismissed_suggestions.dismissed_id": "who does not want to see the user is private to others",
        "restrictions.restricted_id": "who restricted the user is private to others",
        "close_friends.friend_id": "whose close friend the user is, is private to others",
        "notifications.actor_id": "notifications of others; their causes are in the other files",
        "import_items.user_id": "which of the posts in posts.json were imported",
        "digest_entries.user_id": "which of the notifications in notifications.json the next e-mail sums up",
        "recovery_codes.user_id": "hashes of secrets",
        "sign_in_challenges.user_id": "hashes of secrets; sessions.json has the sessions",
        "email_tokens.user_id": "secrets of links in e-mails",
        "report_cases.author_id": "reports by others; decisions are in moderation.json",
        "report_cases.claimed_by_id": "the work of a moderator, not personal data",
        "appeals.claimed_by_id": "the work of a moderator, not personal data",
        "moderation_actions.actor_id": "the work of a moderator, not personal data",
    }
)
