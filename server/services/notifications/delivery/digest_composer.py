"""Writes the e-mail of a digest."""

from server.gateways.email.email import Email
from server.ids import UserId
from server.models.notifications.digest_contents import DigestRecipient
from server.models.notifications.digests import DigestState, EmailFrequency
from server.services.emails.digest_email import DigestLine, DigestSummary, digest_email
from server.services.emails.suppressions import Suppressions
from server.services.emails.unsubscribe_tokens import AllNotifications, UnsubscribeTokens
from server.services.notifications.delivery.activity_links import ActivityLinks
from server.services.notifications.delivery.digest_items import DigestContent, DigestItem


class DigestComposer:
    """`links` has the addresses of the pages that e-mails lead to."""

    def __init__(self, suppressions: Suppressions, tokens: UnsubscribeTokens, links: ActivityLinks) -> None:
        self._suppressions = suppressions
        self._tokens = tokens
        self._links = links

    def compose(
        self,
        digest_id: int,
        user_id: UserId,
        recipient: DigestRecipient,
        content: DigestContent,
        state: DigestState,
    ) -> Email:
        """Return the e-mail; its key, and so its Message-ID, is that of the digest."""
        summary = DigestSummary(
            content.summary,
            [self._line(user_id, recipient, item) for item in content.items],
            # Who changed to single e-mails gets what waited.
            state.frequency if state.frequency is not EmailFrequency.IMMEDIATELY else "",
            more=content.more,
        )
        topic = AllNotifications.TOPIC
        return digest_email(
            f"digest-{digest_id}",
            recipient.email,
            recipient.name,
            summary,
            self._tokens.unsubscribe_url(self._suppressions.hash(recipient.email), topic),
            self._tokens.list_id(topic),
        )

    def _line(self, user_id: UserId, recipient: DigestRecipient, item: DigestItem) -> DigestLine:
        if item.post_id is not None:
            link, label = self._links.post(item.post_id), "View the post"
        elif len(item.people) == 1:
            person = item.people[0]
            link, label = self._links.profile(person.id, person.username), "View the profile"
        else:
            link, label = self._links.profile(user_id, recipient.username), "View your profile"
        return DigestLine(f"{item.headline}.", item.text, link, label)
