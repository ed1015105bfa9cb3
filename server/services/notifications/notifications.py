"""The list of a user's notifications, the unread count, and marking notifications as read."""

from collections.abc import Collection, Mapping, Sequence

from server.clock import SystemClock
from server.errors import InvalidInput
from server.ids import CommentId, NotificationId, PostId, SessionId, UserId
from server.models.notifications.inboxes import InboxRepository
from server.models.notifications.notification_list import NotificationListRepository, NotificationRow
from server.models.notifications.previews import PreviewRow
from server.paging import Page, PageRequest, cut
from server.pubsub.publisher import Publisher
from server.services.content.cards import Cards, to_relationship
from server.services.notifications.badges import Badges
from server.services.records import (
    SERVICE_TYPES,
    CommentPreview,
    Notification,
    NotificationType,
    PostPreview,
)

MAX_COUNTED = 10_000
MARK_READ_BATCH = 1000
NO_SESSION = SessionId(0)


class Notifications:
    def __init__(
        self,
        notifications: NotificationListRepository,
        inboxes: InboxRepository,
        cards: Cards,
        publisher: Publisher,
        badges: Badges,
    ) -> None:
        self._notifications = notifications
        self._inboxes = inboxes
        self._cards = cards
        self._publisher = publisher
        self._badges = badges
        self._clock = SystemClock()

    async def list_page(
        self,
        recipient_id: UserId,
        request: PageRequest,
        types: Collection[NotificationType] = (),
        *,
        unread: bool = False,
    ) -> Page[Notification]:
        """Return a page of notifications, newest first, with the likes of a post or comment as one.

        All types are included if `types` is empty. The cursor is the sequence.
        """
        rows = await self._notifications.list_page(
            recipient_id,
            request.before_id,
            request.limit + 1,
            types,
            unread=unread,
        )
        found = [to_notification(self._cards, row) for row in rows]
        return cut(found, request.limit, lambda notification: notification.sequence)

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        """Return notifications with a sequence above `after`, oldest first, with each like by itself."""
        rows = await self._notifications.list_after(recipient_id, after, limit)
        return [to_notification(self._cards, row) for row in rows]

    async def get_last_sequence(self, recipient_id: UserId) -> int:
        """Return the sequence of the newest notification, 0 before the first."""
        return (await self.list_last_sequences([recipient_id])).get(recipient_id, 0)

    async def list_last_sequences(self, recipient_ids: Sequence[UserId]) -> Mapping[UserId, int]:
        """Return the newest sequence of each recipient who has ever been notified."""
        return await self._inboxes.list_last_sequences(recipient_ids)

    async def count_unread(self, recipient_id: UserId) -> int:
        """Return the number of unread notifications in the list, counted up to MAX_COUNTED."""
        return await self._notifications.count_unread(recipient_id, MAX_COUNTED)

    async def mark_read(
        self,
        recipient_id: UserId,
        notification_ids: Sequence[NotificationId],
        session_id: SessionId = NO_SESSION,
    ) -> int:
        """Mark notifications, or the ones they are listed under, as read; return the number left unread.

        Ids that do not exist or belong to another user are ignored. The badges of other sessions' devices follow.
        """
        listed = await self._notifications.list_listed_ids(recipient_id, notification_ids)
        await self._badges.request_update(recipient_id, session_id)
        changed = await self._notifications.mark_read(listed, self._clock.now_ms())
        return await self._report_unread(recipient_id, changed=bool(changed))

    async def mark_read_up_to(
        self,
        recipient_id: UserId,
        notification_id: NotificationId | None,
        session_id: SessionId = NO_SESSION,
    ) -> int:
        """Mark a notification and all before it as read, or all if None; otherwise like `mark_read`.

        Works in batches, because a popular user may have very many unread. Raises InvalidInput.
        """
        last = await self._find_sequence(recipient_id, notification_id)
        changed = False
        while unread := await self._notifications.list_unread_ids(recipient_id, last, MARK_READ_BATCH):
            await self._badges.request_update(recipient_id, session_id)
            await self._notifications.mark_read(unread, self._clock.now_ms())
            changed = True
        return await self._report_unread(recipient_id, changed=changed)

    async def _report_unread(self, recipient_id: UserId, *, changed: bool) -> int:
        """Count the unread notifications, and send the number to the recipient's streams if it has changed."""
        unread = await self.count_unread(recipient_id)
        if changed:
            await self._publisher.publish_read(recipient_id, unread)
        return unread

    async def _find_sequence(self, recipient_id: UserId, notification_id: NotificationId | None) -> int:
        if notification_id is None:
            return await self.get_last_sequence(recipient_id)
        sequence = await self._notifications.find_sequence(recipient_id, notification_id)
        if sequence is None:
            raise InvalidInput(
                "Some values are invalid.", fields={"upTo": ["This is not one of your notifications."]}
            )
        return sequence


def to_notification(cards: Cards, row: NotificationRow) -> Notification:
    type_ = NotificationType(row.type)
    return Notification(
        id=row.id,
        recipient_id=row.recipient_id,
        sequence=row.sequence,
        type=type_,
        actor=cards.user_card(row.actor),
        relationship=to_relationship(row.relationship),
        post=None if row.post_id is None else _post(cards, row.post_id, row.preview),
        comment=None if row.comment_id is None else _comment(row.comment_id, row.preview),
        read=row.read_at_ms is not None,
        created_at_ms=row.created_at_ms,
        others_count=row.others_count,
        subject_id=row.target_id if type_ in SERVICE_TYPES else 0,
    )


def _post(cards: Cards, post_id: PostId, preview: PreviewRow) -> PostPreview:
    image = (
        None
        if preview.image is None
        else cards.image(preview.image.id, preview.image, preview.image.alt_text)
    )
    return PostPreview(post_id, image, preview.is_public)


def _comment(comment_id: CommentId, preview: PreviewRow) -> CommentPreview:
    return CommentPreview(comment_id, preview.comment_content or "")
