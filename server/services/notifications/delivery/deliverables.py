"""Checks whether a notification still has to be delivered, and reads what to say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from server.events import EmailRequested, Event, PushRequested
from server.ids import CommentId, NotificationId, PostId, UserId
from server.models.notifications.deliverables import DeliverableRepository, DeliverableRow
from server.models.notifications.inboxes import InboxRepository
from server.models.notifications.notifications import EMAIL, PUSH
from server.services.jobs.claims import Claim
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.delivery.activity_links import ActivityLinks
from server.services.notifications.notification_text import headline
from server.services.records import Channel, NotificationType

BITS: Mapping[Channel, int] = {Channel.PUSH: PUSH, Channel.EMAIL: EMAIL}
REQUESTS: Mapping[Channel, Callable[[NotificationId, UserId], Event]] = {
    Channel.PUSH: PushRequested,
    Channel.EMAIL: EmailRequested,
}


@dataclass(frozen=True, slots=True)
class DeliverableNotification:
    """Content and recipient of a delivery: the text of the comment or caption, and `others_count` other users."""

    id: NotificationId
    recipient_id: UserId
    type: NotificationType
    recipient_name: str
    email: str
    actor_id: UserId
    actor: str
    post_id: PostId | None
    comment_id: CommentId | None
    others_count: int
    text: str
    created_at_ms: int

    @property
    def key(self) -> str:
        """Identifies the e-mail or push, so that it is shown once if it is sent twice."""
        return f"notification-{self.id}"

    @property
    def headline(self) -> str:
        return headline(self.type, self.actor, self.others_count, in_comment=self.comment_id is not None)

    def link(self, links: ActivityLinks) -> str:
        """Return the address of the page that shows the activity."""
        if self.post_id is None:
            return links.profile(self.actor_id, self.actor)
        return links.post(self.post_id)


class Deliverables:
    def __init__(
        self,
        deliverables: DeliverableRepository,
        inboxes: InboxRepository,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._deliverables = deliverables
        self._inboxes = inboxes
        self._unit_of_work = unit_of_work

    async def get_or_release(self, claim: Claim, channel: Channel) -> DeliverableNotification | None:
        """Return what a job of this channel has to deliver; if nothing, release the channel and return None."""
        found = await self._find(claim, channel)
        if found is None:
            found = await self._unit_of_work.run(partial(self._release, claim, channel))
        return found

    async def _find(self, claim: Claim, channel: Channel) -> DeliverableNotification | None:
        notification_id, _ = _ids(claim)
        row = await self._deliverables.find(notification_id, channel.value)
        return _deliverable(row) if row else None

    async def _release(
        self, claim: Claim, channel: Channel, work: WorkContext
    ) -> DeliverableNotification | None:
        """Clear the channel's bit. Return what to deliver if the activity returned just now.

        A restoration also holds the inbox. The notification that is listed in place of an undeliverable one is
        requested now: it was skipped because this one would have been delivered.
        """
        notification_id, recipient_id = _ids(claim)
        await self._inboxes.lock_existing(recipient_id)
        found = await self._find(claim, channel)
        if found is None:
            bit = BITS[channel]
            for listed_id in await self._deliverables.list_covered_unread(notification_id, bit):
                work.emit(REQUESTS[channel](listed_id, recipient_id))
            await self._deliverables.clear_channel(notification_id, bit)
        return found


def _ids(claim: Claim) -> tuple[NotificationId, UserId]:
    return NotificationId(claim.payload["notification_id"]), UserId(claim.payload["recipient_id"])


def _deliverable(row: DeliverableRow) -> DeliverableNotification:
    type_ = NotificationType(row.type)
    text = row.comment_text
    if type_ is NotificationType.MENTION and text is None:
        text = row.caption
    return DeliverableNotification(
        id=row.id,
        recipient_id=row.recipient_id,
        type=type_,
        recipient_name=row.full_name or row.username,
        email=row.email,
        actor_id=row.actor_id,
        actor=row.actor_username,
        post_id=row.post_id,
        comment_id=row.comment_id,
        others_count=row.others_count,
        text=text or "",
        created_at_ms=row.created_at_ms,
    )
