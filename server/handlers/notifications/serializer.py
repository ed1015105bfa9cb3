"""Notifications as JSON, with the picture of their post and the text of their comment."""

from typing import Any

import orjson

from server.clock import isoformat
from server.handlers.post_serializer import PostSerializer
from server.handlers.user_cards import related_card
from server.services.records import Notification, NotificationType

# The member with the id of what a notification of the service is about.
_SUBJECTS = {NotificationType.MODERATION: "decision", NotificationType.REPORT_HANDLED: "report"}


class NotificationSerializer:
    def __init__(self, posts: PostSerializer) -> None:
        self._posts = posts

    def notification(self, record: Notification) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": str(record.id),
            "type": record.type,
            "actor": related_card(record.actor, record.relationship),
            "othersCount": record.others_count,
            "read": record.read,
            "createdAt": isoformat(record.created_at_ms),
        }
        if record.post is not None:
            body["post"] = self._posts.preview(record.recipient_id, record.post)
        if record.comment is not None:
            body["comment"] = {"id": str(record.comment.id), "content": record.comment.content}
        if name := _SUBJECTS.get(record.type):
            body[name] = {"id": str(record.subject_id)}
        return body

    def line(self, record: Notification) -> bytes:
        """Return a notification as one line of JSON, for the live stream."""
        return orjson.dumps(self.notification(record))
