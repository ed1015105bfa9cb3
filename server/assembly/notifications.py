"""The senders of notifications by e-mail and push."""

from server.assembly.collaborators import Collaborators
from server.assembly.gateways import web_push_identity
from server.assembly.resources import Resources
from server.gateways.push.web_push.push_hosts import PushHosts
from server.services.notifications.delivery.activity_links import ActivityLinks
from server.services.notifications.delivery.badge_pushes import BadgePushes
from server.services.notifications.delivery.digest_composer import DigestComposer
from server.services.notifications.delivery.digest_emails import DigestEmails
from server.services.notifications.delivery.digest_items import DigestContents
from server.services.notifications.delivery.emails import NotificationEmails
from server.services.notifications.delivery.pushes import Pushes
from server.settings import Settings


def build_notification_emails(
    settings: Settings, resources: Resources, shared: Collaborators
) -> NotificationEmails:
    return NotificationEmails(
        shared.jobs,
        shared.deliverables,
        shared.email_delivery,
        shared.suppressions,
        shared.unsubscribe_tokens,
        ActivityLinks(settings.app.client_url, shared.share_links),
        resources.instrumentation.metrics,
    )


def build_digest_emails(settings: Settings, resources: Resources, shared: Collaborators) -> DigestEmails:
    return DigestEmails(
        shared.rows.digests,
        DigestContents(shared.rows.digest_contents, shared.suppressions),
        DigestComposer(
            shared.suppressions,
            shared.unsubscribe_tokens,
            ActivityLinks(settings.app.client_url, shared.share_links),
        ),
        shared.digests,
        shared.unit_of_work,
        shared.jobs,
        shared.email_delivery,
        resources.instrumentation.metrics,
    )


def build_pushes(settings: Settings, resources: Resources, shared: Collaborators) -> Pushes:
    return Pushes(
        shared.rows.devices,
        shared.jobs,
        shared.deliverables,
        shared.active_sessions,
        resources.push,
        shared.notifications.count_unread,
        ActivityLinks(settings.app.client_url, shared.share_links),
        resources.instrumentation.metrics,
    )


def build_badge_pushes(resources: Resources, shared: Collaborators) -> BadgePushes:
    return BadgePushes(
        shared.rows.devices,
        shared.rows.inboxes,
        shared.rows.preferences,
        shared.jobs,
        shared.active_sessions,
        resources.push,
        shared.notifications.count_unread,
    )


def push_hosts(settings: Settings) -> PushHosts | None:
    """Return the accepted push services; None without Web Push."""
    return PushHosts(settings.push.web_push_hosts) if web_push_identity(settings) else None
