"""Stored state of an activity, read in one statement: its notification, group and recipient's preferences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.ids import CommentId, NotificationId, PostId, UserId
from server.models.conditions import Column, Condition, all_of
from server.models.content.visibility import visible_posts
from server.models.database import Database, SerializationFailure
from server.models.notifications.digests import EmailFrequency, frequency_of
from server.models.notifications.notifications import NotificationKey
from server.models.people.visibility import unmuted_users, visible_users


@dataclass(frozen=True, slots=True)
class StoredNotification:
    """The row of one activity. `sequence` is 0 for a row that is not shown in the app."""

    id: NotificationId
    sequence: int
    in_app: bool
    retracted: bool
    channels: int


@dataclass(frozen=True, slots=True)
class ListedNotification:
    """The row under which the likes of a post or a comment are listed: the newest of them."""

    id: NotificationId
    sequence: int
    others_count: int
    channels: int
    read_at_ms: int | None


@dataclass(frozen=True, slots=True)
class ActivityState:
    """The stored state of an activity, its group and its recipient's preferences.

    `listed` is None without a group, and for a recipient who does not want this type in the app. `reachable` is false
    if the recipient must not see the actor, the post or the comment, or has muted the actor.
    """

    stored: StoredNotification | None
    listed: ListedNotification | None
    push: bool
    email: bool
    email_frequency: EmailFrequency
    in_app: bool
    has_device: bool
    reachable: bool


class ActivityStateRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self,
        key: NotificationKey,
        subject: tuple[PostId | None, CommentId | None],
        active_session: Condition,
        *,
        grouped: bool,
    ) -> ActivityState:
        """Return the state of an activity; `subject` is the post and the comment that it is about, if any.

        Raises SerializationFailure if the recipient was deleted just now.
        """
        reachable = _reachable(key.actor_id, *subject)
        rows = await self._database.rows(
            "SELECT n.id, COALESCE(n.sequence, 0) AS sequence, n.in_app AS stored_in_app, n.retracted, n.channels,"
            " h.id AS listed_id, h.sequence AS listed_sequence, h.others_count, h.channels AS listed_channels,"
            " h.read_at_ms, COALESCE(f.push, 1) AS push,"
            " CASE WHEN r.email = '' THEN 0 ELSE COALESCE(f.email, 1) END AS email,"
            " i.email_frequency, COALESCE(f.in_app, 1) AS in_app,"
            " EXISTS(SELECT 1 FROM devices d JOIN sessions s ON s.id = d.session_id"
            f" WHERE d.user_id = r.id AND {active_session.sql}) AS has_device,"
            f" ({reachable.sql}) AS reachable FROM users r LEFT JOIN inboxes i ON i.user_id = r.id"
            " LEFT JOIN notification_preferences f ON f.user_id = r.id AND f.type = ?"
            " LEFT JOIN notifications n ON n.recipient_id = r.id AND n.type = ? AND n.actor_id = ? AND n.target_id = ?"
            " LEFT JOIN notifications h ON ? AND COALESCE(f.in_app, 1) = 1 AND h.recipient_id = r.id AND h.type = ?"
            " AND h.target_id = ? AND h.listed = 1"
            " WHERE r.id = ?",
            [
                *active_session.parameters,
                *reachable.parameters,
                key.type,
                *(key.type, key.actor_id, key.target_id),
                *(grouped, key.type, key.target_id),
                key.recipient_id,
            ],
        )
        if not rows:
            raise SerializationFailure("The recipient is being deleted.")
        return _state(rows[0])


def _reachable(actor_id: UserId, post_id: PostId | None, comment_id: CommentId | None) -> Condition:
    recipient = Column("r.id")
    people = all_of(visible_users(recipient, actor_id), unmuted_users(recipient, actor_id))
    if post_id is None:
        return people
    visible = visible_posts(recipient, "p").sql
    post = Condition(f"EXISTS(SELECT 1 FROM posts p WHERE p.id = ? AND {visible})", (post_id,))
    if comment_id is None:
        return all_of(people, post)
    shown = Condition("(SELECT c.hidden_by_id IS NULL FROM comments c WHERE c.id = ?)", (comment_id,))
    return all_of(people, post, shown)


def _state(row: Mapping[str, Any]) -> ActivityState:
    frequency = frequency_of(row["email_frequency"])
    return ActivityState(
        stored=None if row["id"] is None else _stored(row),
        listed=None if row["listed_id"] is None else _listed(row),
        push=bool(row["push"]),
        email=bool(row["email"]) and frequency is not EmailFrequency.NEVER,
        email_frequency=frequency,
        in_app=bool(row["in_app"]),
        has_device=bool(row["has_device"]),
        reachable=bool(row["reachable"]),
    )


def _stored(row: Mapping[str, Any]) -> StoredNotification:
    return StoredNotification(
        NotificationId(row["id"]),
        row["sequence"],
        bool(row["stored_in_app"]),
        bool(row["retracted"]),
        row["channels"],
    )


def _listed(row: Mapping[str, Any]) -> ListedNotification:
    return ListedNotification(
        NotificationId(row["listed_id"]),
        row["listed_sequence"],
        row["others_count"],
        row["listed_channels"],
        row["read_at_ms"],
    )
