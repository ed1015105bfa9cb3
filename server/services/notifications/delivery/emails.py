"""E-mails about notifications."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from server.clock import SystemClock
from server.gateways.email.email import Email, EmailFailed, EmailRefused, EmailSender
from server.gateways.redis.rate_limits import Limit, RateLimitStatus
from server.ids import UserId
from server.metrics import Metrics
from server.services.emails.messages import EmailContent, notification_email
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.notifications.delivery.deliverables import DeliverableNotification, Deliverables
from server.services.notifications.notification_text import TOPICS
from server.services.records import Channel

log = structlog.get_logger(__name__)


class RateCounter(Protocol):
    async def hit(self, limits: Sequence[Limit], subject: str) -> list[RateLimitStatus]:
        """Count against every limit, or against none if one of them is exceeded."""
        ...


class EmailBudget:
    """Bounds the e-mails to one recipient, and those caused by one user.

    Any user can mention any other, and an address is not verified to be its owner's.
    """

    def __init__(self, counter: RateCounter, to: Limit, by: Limit) -> None:
        self._counter = counter
        self._to = to
        self._by = by

    async def spend(self, recipient_id: UserId, actor_id: UserId) -> bool:
        """Count one e-mail; return whether it may be sent."""
        for limit, user_id in ((self._by, actor_id), (self._to, recipient_id)):
            (status,) = await self._counter.hit((limit,), f"u{user_id}")
            if status.wait_s > 0:
                return False
        return True


class NotificationEmails:
    """`client_url` is the address of the client's pages, which e-mails link to; no `budget` means no bound."""

    def __init__(
        self,
        jobs: Jobs,
        deliverables: Deliverables,
        sender: EmailSender,
        tokens: UnsubscribeTokens,
        client_url: str,
        budget: EmailBudget | None = None,
        *,
        metrics: Metrics,
    ) -> None:
        self._jobs = jobs
        self._deliverables = deliverables
        self._sender = sender
        self._tokens = tokens
        self._client_url = client_url
        self._budget = budget
        self._metrics = metrics
        self._clock = SystemClock()

    async def send(self, claim: Claim) -> None:
        """E-mail a notification. Raises EmailFailed while the SMTP server does not accept it."""
        notification = await self._deliverables.get_or_release(claim, Channel.EMAIL)
        if notification is not None:
            if await self._is_within_budget(claim, notification):
                await self._send(claim, notification)
            else:
                self._metrics.count_undelivered("email", "limited")
        await self._jobs.finish(claim)

    async def _is_within_budget(self, claim: Claim, notification: DeliverableNotification) -> bool:
        if self._budget is None or claim.attempts > 1:  # the first attempt has counted it
            return True
        return await self._budget.spend(notification.recipient_id, notification.actor_id)

    async def _send(self, claim: Claim, notification: DeliverableNotification) -> None:
        try:
            await self._sender.send(self._compose(notification))
        except EmailRefused as error:  # another attempt would be refused, too
            user_id = notification.recipient_id
            log.warning("email_refused", kind=claim.kind, user_id=user_id, reason=error.detail)
            self._metrics.count_undelivered("email", "refused")
        except EmailFailed:
            self._metrics.count_undelivered("email", "retried")
            raise
        else:
            age_s = (self._clock.now_ms() - notification.created_at_ms) / 1000
            self._metrics.count_delivery("email", age_s)

    def _compose(self, notification: DeliverableNotification) -> Email:
        content = EmailContent(
            headline=f"{notification.headline}.",
            excerpt=notification.text,
            link=notification.link(self._client_url),
            label="View the post"
            if notification.post_id is not None
            else f"View {notification.actor}'s profile",
            topic=TOPICS[notification.type],
        )
        return notification_email(
            notification.key,
            notification.email,
            notification.recipient_name,
            content,
            self._tokens.unsubscribe_url(notification.recipient_id, notification.type),
            self._tokens.list_id(notification.type),
        )
