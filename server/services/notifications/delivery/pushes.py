"""Pushes of what a person was told, to each of their devices."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from server.clock import SystemClock
from server.errors import AppError
from server.gateways.push.message import PushMessage, PushOutcome
from server.gateways.push.senders import PushSender
from server.ids import UserId
from server.metrics import Metrics
from server.models.database import Database, placeholders
from server.services.accounts.active_sessions import ActiveSessions
from server.services.emails.text import shortened
from server.services.jobs.jobs import Claim, Jobs
from server.services.notifications.delivery.deliverables import DeliverableNotification, Deliverables
from server.services.records import Channel, NotificationType

log = structlog.get_logger(__name__)

EXCERPT_LENGTH = 140
# What is tried again is counted as that, and not as failed: in the end it is delivered, or its job is dead.
OUTCOMES: Mapping[PushOutcome, str] = {
    PushOutcome.GONE: "gone",
    PushOutcome.REFUSED: "refused",
    PushOutcome.FAILED: "retried",
}


class PushFailed(AppError):
    """Some devices could not be reached; the others have it, and are not sent it again."""

    code = "push_failed"


class Pushes:
    """`client_url` is where the pages of the client are, to which pushes lead."""

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        notices: Deliverables,
        standing: ActiveSessions,
        push: PushSender,
        client_url: str,
        metrics: Metrics | None = None,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._notices = notices
        self._standing = standing
        self._push = push
        self._client_url = client_url
        self._metrics = metrics or Metrics()
        self._clock = SystemClock()

    async def send(self, claim: Claim) -> None:
        """Push a notification to the devices of its recipient, each until it has it or is found to be dead.

        Raises PushFailed while some were not reached; which were is saved first, and those are left out from then on.
        """
        notice = await self._notices.of(claim, Channel.PUSH)
        if notice is not None:
            done: list[int] = list(claim.progress.get("done", []))
            devices = [each for each in await self._devices(notice.recipient_id) if each["id"] not in done]
            outcomes = await self._push.send(self._message(notice), [each["token"] for each in devices])
            by_outcome: dict[PushOutcome, list[int]] = {outcome: [] for outcome in PushOutcome}
            for each, outcome in zip(devices, outcomes, strict=True):
                by_outcome[outcome].append(each["id"])
            self._count(notice, outcomes)
            await self._forget(notice.recipient_id, by_outcome[PushOutcome.GONE])
            if failed := by_outcome[PushOutcome.FAILED]:
                done += [each["id"] for each in devices if each["id"] not in failed]
                await self._jobs.save_progress(claim, {"done": done})
                raise PushFailed(f"{len(failed)} of {len(devices)} devices were not reached")
        await self._jobs.finish(claim)

    async def _devices(self, user_id: UserId) -> Sequence[Mapping[str, Any]]:
        """Where the recipient is signed in at this moment: whoever has the device now registered it anew."""
        standing = self._standing.condition()
        return await self._database.rows(
            "SELECT d.id, d.token FROM devices d JOIN sessions s ON s.id = d.session_id AND s.user_id = d.user_id"
            f" WHERE d.user_id = ? AND {standing.sql} ORDER BY d.id",
            [user_id, *standing.parameters],
        )

    async def _forget(self, user_id: UserId, device_ids: Sequence[int]) -> None:
        """The tokens are dead; but a device may have been taken over since they were read."""
        if device_ids:
            await self._database.execute(
                f"DELETE FROM devices WHERE user_id = ? AND id IN ({placeholders(len(device_ids))})",
                [user_id, *device_ids],
            )
            log.info("devices_forgotten", user_id=user_id, devices=len(device_ids))

    def _message(self, notice: DeliverableNotification) -> PushMessage:
        """`data` is what a client needs to open the right page, and to drop what is meant for somebody else."""
        data = {
            "notificationId": str(notice.id),
            "recipientId": str(notice.recipient_id),
            "type": notice.type.value,
            "actorId": str(notice.actor_id),
            "link": notice.page(self._client_url),
        }
        if notice.post_id is not None:
            data["postId"] = str(notice.post_id)
        if notice.comment_id is not None:
            data["commentId"] = str(notice.comment_id)
        return PushMessage(
            key=notice.key,
            title=notice.headline,
            body=shortened(notice.words, EXCERPT_LENGTH),
            data=data,
            # The newest says how many there are; of comments each says something else.
            group=f"likes-{notice.post_id}" if notice.type is NotificationType.LIKE else "",
        )

    def _count(self, notice: DeliverableNotification, outcomes: Sequence[PushOutcome]) -> None:
        for outcome in outcomes:
            if outcome is PushOutcome.SENT:
                self._metrics.delivered("push", (self._clock.now_ms() - notice.at_ms) / 1000)
            else:
                self._metrics.undelivered("push", OUTCOMES[outcome])
