"""Activities that cause notifications, and the notifications they caused."""

from dataclasses import dataclass

from server.ids import CommentId, NotificationId, PostId, UserId
from server.models.notifications.notifications import NotificationKey
from server.services.records import NotificationType

# Of these types, the notifications about one target are listed under the newest.
GROUPED_TYPES = frozenset({NotificationType.LIKE, NotificationType.COMMENT_LIKE})


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity of `actor_id` on a post, a comment or a user (`target_id`)."""

    type: NotificationType
    actor_id: UserId
    target_id: int
    at_ms: int
    post_id: PostId | None = None
    comment_id: CommentId | None = None

    @property
    def is_grouped(self) -> bool:
        return self.type in GROUPED_TYPES

    def key_for(self, recipient_id: UserId) -> NotificationKey:
        """Return the unique key of the recipient's notification about this activity."""
        return NotificationKey(recipient_id, self.type, self.actor_id, self.target_id)


@dataclass(frozen=True, slots=True)
class CreatedNotification:
    """A new notification that is shown in the app and announced live."""

    id: NotificationId
    recipient_id: UserId
    sequence: int
    activity: Activity
