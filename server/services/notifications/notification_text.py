"""What a notification says outside of the app, in a sentence: for pushes and letters."""

from collections.abc import Mapping

from server.services.records import NotificationType

# What follows the name of who did it.
DID: Mapping[NotificationType, str] = {
    NotificationType.LIKE: "liked your post",
    NotificationType.COMMENT: "commented on your post",
    NotificationType.REPLY: "replied to your comment",
    NotificationType.FOLLOW: "started following you",
}
# What one gets mail about, and may stop to.
SUBJECTS: Mapping[NotificationType, str] = {
    NotificationType.LIKE: "likes",
    NotificationType.COMMENT: "comments",
    NotificationType.REPLY: "replies",
    NotificationType.FOLLOW: "new followers",
    NotificationType.MENTION: "mentions",
}


def headline(type_: NotificationType, actor: str, others: int, *, in_comment: bool) -> str:
    """`ana and 12 others liked your post`, without a full stop. `others`: how many did the same besides the actor."""
    who = actor
    if others:
        who = f"{actor} and {others:,} {'other' if others == 1 else 'others'}"
    if type_ is NotificationType.MENTION:
        return f"{who} mentioned you in a {'comment' if in_comment else 'post'}"
    return f"{who} {DID[type_]}"
