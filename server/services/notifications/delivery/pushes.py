"""Pushes about notifications, to each of the recipient's devices."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from server.clock import SystemClock
from server.errors import AppError
from server.gateways.push.device_sender import DeviceSender, PushTarget
from server.gateways.push.message import PushMessage, PushOutcome, WebSubscription
from server.ids import DeviceId, UserId
from server.metrics import Metrics
from server.models.notifications.devices import DeviceRepository, DeviceTarget
from server.services.accounts.active_sessions import ActiveSessions
from server.services.emails.text import shortened
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.notifications.delivery.activity_links import ActivityLinks
from server.services.notifications.delivery.deliverables import DeliverableNotification, Deliverables
from server.services.records import Channel, NotificationType

log = structlog.get_logger(__name__)

EXCERPT_LENGTH = 140
# A failed push counts as retried: in the end it is delivered, or its job is dead-lettered.
OUTCOME_LABELS: Mapping[PushOutcome, str] = {
    PushOutcome.GONE: "gone",
    PushOutcome.REFUSED: "refused",
    PushOutcome.FAILED: "retried",
}


class PushFailed(AppError):
    """Some devices were not reached. The others have the push and are skipped by the next attempt."""

    code = "push_failed"


class Pushes:
    """`links` has the addresses of the pages that pushes lead to."""

    def __init__(
        self,
        devices: DeviceRepository,
        jobs: Jobs,
        deliverables: Deliverables,
        active_sessions: ActiveSessions,
        sender: DeviceSender,
        count_unread: Callable[[UserId], Awaitable[int]],
        links: ActivityLinks,
        metrics: Metrics,
    ) -> None:
        self._devices = devices
        self._jobs = jobs
        self._deliverables = deliverables
        self._active_sessions = active_sessions
        self._sender = sender
        self._count_unread = count_unread
        self._links = links
        self._metrics = metrics
        self._clock = SystemClock()

    async def send(self, claim: Claim) -> None:
        """Push a notification to each device until the device has it or is found to be gone.

        Raises PushFailed while some devices were not reached. The devices that are done are saved first.
        """
        notification = await self._deliverables.get_or_release(claim, Channel.PUSH)
        if notification is not None:
            await self._push(claim, notification)
        await self._jobs.finish(claim)

    async def _push(self, claim: Claim, notification: DeliverableNotification) -> None:
        done: list[int] = list(claim.progress.get("done", []))
        # Read now: a device that another user has registered since belongs to them.
        active = await self._devices.list_active(notification.recipient_id, self._active_sessions.condition())
        devices = [device for device in active if device.id not in done]
        unread = await self._count_unread(notification.recipient_id) if devices else 0
        message = compose_push(notification, self._links, unread)
        outcomes = await self._sender.send(message, [target_of(device) for device in devices])
        by_outcome: dict[PushOutcome, list[DeviceId]] = {outcome: [] for outcome in PushOutcome}
        for device, outcome in zip(devices, outcomes, strict=True):
            by_outcome[outcome].append(device.id)
        self._count(notification, outcomes)
        await self._devices.set_badge(by_outcome[PushOutcome.SENT], unread)
        await self._delete(notification.recipient_id, by_outcome[PushOutcome.GONE])
        if failed := by_outcome[PushOutcome.FAILED]:
            done += [device.id for device in devices if device.id not in failed]
            await self._jobs.save_progress(claim, {"done": done})
            raise PushFailed(f"{len(failed)} of {len(devices)} devices were not reached.")

    async def _delete(self, user_id: UserId, device_ids: list[DeviceId]) -> None:
        if device_ids:
            await self._devices.delete_all(user_id, device_ids)
            log.info("devices_deleted", user_id=user_id, devices=len(device_ids))

    def _count(self, notification: DeliverableNotification, outcomes: Sequence[PushOutcome]) -> None:
        for outcome in outcomes:
            if outcome is PushOutcome.SENT:
                age_s = (self._clock.now_ms() - notification.created_at_ms) / 1000
                self._metrics.count_delivery("push", age_s)
            else:
                self._metrics.count_undelivered("push", OUTCOME_LABELS[outcome])


def target_of(device: DeviceTarget) -> PushTarget:
    """Return where the pushes to a device go."""
    if device.p256dh is None or device.auth is None:
        return device.token
    return WebSubscription(device.token, device.p256dh, device.auth)


def compose_push(notification: DeliverableNotification, links: ActivityLinks, unread: int) -> PushMessage:
    """Return the message; `unread` is the number of the recipient's unread notifications.

    Its data lets a client open the right page, and ignore a push to another user.
    """
    data = {
        "notificationId": str(notification.id),
        "recipientId": str(notification.recipient_id),
        "type": notification.type.value,
        "actorId": str(notification.actor_id),
        "link": notification.link(links),
    }
    if notification.post_id is not None:
        data["postId"] = str(notification.post_id)
    if notification.comment_id is not None:
        data["commentId"] = str(notification.comment_id)
    return PushMessage(
        key=notification.key,
        title=notification.headline,
        body=shortened(notification.text, EXCERPT_LENGTH),
        data=data,
        badge=unread,
        group=_group_of(notification),
    )


def _group_of(notification: DeliverableNotification) -> str:
    """Return what a newer push replaces this one by: a like counts the others. Comments are kept apart."""
    match notification.type:
        case NotificationType.LIKE:
            return f"likes-{notification.post_id}"
        case NotificationType.COMMENT_LIKE:
            return f"comment-likes-{notification.comment_id}"
        case _:
            return ""
