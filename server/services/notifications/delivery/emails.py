"""E-mails about notifications."""

from server.clock import SystemClock
from server.gateways.email.email import Email, EmailFailed
from server.metrics import Metrics
from server.services.emails.delivery import EmailDelivery, EmailKind, EmailOutcome
from server.services.emails.messages import EmailContent, notification_email
from server.services.emails.suppressions import Suppressions
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.notifications.delivery.activity_links import ActivityLinks
from server.services.notifications.delivery.deliverables import DeliverableNotification, Deliverables
from server.services.notifications.notification_text import TOPICS
from server.services.records import Channel


class NotificationEmails:
    """`links` has the addresses of the pages that e-mails lead to."""

    def __init__(
        self,
        jobs: Jobs,
        deliverables: Deliverables,
        delivery: EmailDelivery,
        suppressions: Suppressions,
        tokens: UnsubscribeTokens,
        links: ActivityLinks,
        metrics: Metrics,
    ) -> None:
        self._jobs = jobs
        self._deliverables = deliverables
        self._delivery = delivery
        self._suppressions = suppressions
        self._tokens = tokens
        self._links = links
        self._metrics = metrics
        self._clock = SystemClock()

    async def send(self, claim: Claim) -> None:
        """E-mail a notification. Raises EmailFailed while the SMTP server does not accept it."""
        notification = await self._deliverables.get_or_release(claim, Channel.EMAIL)
        if notification is not None:
            await self._send(claim, notification)
        await self._jobs.finish(claim)

    async def _send(self, claim: Claim, notification: DeliverableNotification) -> None:
        try:
            outcome = await self._delivery.send(
                EmailKind.NOTIFICATION,
                self._compose(notification),
                attempt=claim.attempts,
                sender_id=notification.actor_id,
                topic=notification.type,
            )
        except EmailFailed:
            self._metrics.count_undelivered("email", "retried")
            raise
        if outcome is EmailOutcome.SENT:
            age_s = (self._clock.now_ms() - notification.created_at_ms) / 1000
            self._metrics.count_delivery("email", age_s)
        elif outcome in {EmailOutcome.LIMITED, EmailOutcome.REFUSED}:
            self._metrics.count_undelivered("email", outcome)

    def _compose(self, notification: DeliverableNotification) -> Email:
        content = EmailContent(
            headline=f"{notification.headline}.",
            excerpt=notification.text,
            link=notification.link(self._links),
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
            self._tokens.unsubscribe_url(self._suppressions.hash(notification.email), notification.type),
            self._tokens.list_id(notification.type),
        )
