"""Letters of what a person was told."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from server.clock import SystemClock
from server.gateways.email.email import EmailFailed, EmailRefused, EmailSender
from server.gateways.redis.rate_limits import Limit, RateLimitStatus
from server.ids import UserId
from server.metrics import Metrics
from server.services.emails.messages import EmailContent, notification_email
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.jobs.jobs import Claim, Jobs
from server.services.notifications.delivery.deliverables import DeliverableNotification, Deliverables
from server.services.notifications.notification_text import SUBJECTS
from server.services.records import Channel

log = structlog.get_logger(__name__)


class Counter(Protocol):
    async def hit(self, limits: Sequence[Limit], who: str) -> list[RateLimitStatus]:
        """Count against every limit, or against none if one of them refuses it."""
        ...


class Budget:
    """How many letters there are at most: to one person, and for what one person did.

    Anybody can mention anybody, and an address is not proved to be its owner's.
    """

    def __init__(self, counter: Counter, to: Limit, by: Limit) -> None:
        self._counter = counter
        self._to = to
        self._by = by

    async def spend(self, recipient_id: UserId, actor_id: UserId) -> bool:
        """Whether one more may be sent; then it is counted."""
        for limit, user_id in ((self._by, actor_id), (self._to, recipient_id)):
            (standing,) = await self._counter.hit((limit,), f"u{user_id}")
            if standing.wait_s > 0:
                return False
        return True


class NotificationEmails:
    """`client_url` is where the pages of the client are, to which letters lead; no `budget`: no bound."""

    def __init__(
        self,
        jobs: Jobs,
        notices: Deliverables,
        mail: EmailSender,
        links: UnsubscribeTokens,
        client_url: str,
        budget: Budget | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._jobs = jobs
        self._notices = notices
        self._mail = mail
        self._links = links
        self._client_url = client_url
        self._budget = budget
        self._metrics = metrics or Metrics()
        self._clock = SystemClock()

    async def send(self, claim: Claim) -> None:
        """Mail a notification. Raises EmailFailed while the mail server does not take it."""
        notice = await self._notices.of(claim, Channel.EMAIL)
        if notice is not None:
            if await self._is_within_budget(claim, notice):
                await self._mail_it(claim, notice)
            else:
                self._metrics.undelivered("email", "limited")
        await self._jobs.finish(claim)

    async def _is_within_budget(self, claim: Claim, notice: DeliverableNotification) -> bool:
        first = claim.attempts == 1  # then it is counted, however often it is tried
        if self._budget is None or not first:
            return True
        return await self._budget.spend(notice.recipient_id, notice.actor_id)

    async def _mail_it(self, claim: Claim, notice: DeliverableNotification) -> None:
        label = f"See {notice.actor}" if notice.post_id is None else "See the post"
        letter = notification_email(
            notice.key,
            notice.email,
            notice.username,
            EmailContent(
                f"{notice.headline}.",
                notice.words,
                notice.page(self._client_url),
                label,
                SUBJECTS[notice.type],
            ),
            self._links.unsubscribe_url(notice.recipient_id, notice.type),
            self._links.list_id(notice.type),
        )
        try:
            await self._mail.send(letter)
        except EmailRefused as error:  # it would be refused again
            log.warning("email_refused", kind=claim.kind, user_id=notice.recipient_id, reason=error.detail)
            self._metrics.undelivered("email", "refused")
        except EmailFailed:
            self._metrics.undelivered("email", "retried")
            raise
        else:
            self._metrics.delivered("email", (self._clock.now_ms() - notice.at_ms) / 1000)
