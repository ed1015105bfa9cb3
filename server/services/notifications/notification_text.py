"""The sentence that describes a notification in pushes and e-mails."""

from collections.abc import Mapping

from server.services.emails.unsubscribe_tokens import AllNotifications, EmailTopic
from server.services.records import NotificationType

# Follows the name of the user who did it.
PREDICATES: Mapping[NotificationType, str] = {
    NotificationType.LIKE: "liked your post",
    NotificationType.COMMENT_LIKE: "liked your comment",
    NotificationType.COMMENT: "commented on your post",
    NotificationType.REPLY: "replied to your comment",
    NotificationType.TAG: "tagged you in a post",
    NotificationType.FOLLOW: "started following you",
    NotificationType.FOLLOW_REQUEST: "asked to follow you",
    NotificationType.FOLLOW_ACCEPTED: "accepted your follow request",
}
# Follows "e-mails about" on the unsubscribe page and in the footer.
TOPICS: Mapping[EmailTopic, str] = {
    AllNotifications.TOPIC: "your notifications",
    NotificationType.LIKE: "likes",
    NotificationType.COMMENT_LIKE: "likes of comments",
    NotificationType.COMMENT: "comments",
    NotificationType.REPLY: "replies",
    NotificationType.FOLLOW: "new followers",
    NotificationType.MENTION: "mentions",
    NotificationType.TAG: "tags of you",
    NotificationType.FOLLOW_REQUEST: "follow requests",
    NotificationType.FOLLOW_ACCEPTED: "accepted follow requests",
}


def headline(
    type_: NotificationType, actor: str, others_count: int, *, in_comment: bool, capped: bool = False
) -> str:
    """Return a sentence without a full stop, as `ana and 12 others liked your post`.

    `capped`: there are more others than were counted.
    """
    who = actor
    if others_count:
        others = f"{'more than ' if capped else ''}{others_count:,}"
        who = f"{actor} and {others} {'other' if others_count == 1 else 'others'}"
    if type_ is NotificationType.MENTION:
        return f"{who} mentioned you in a {'comment' if in_comment else 'post'}"
    return f"{who} {PREDICATES[type_]}"
