"""The e-mail that sums up notifications."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.gateways.email.email import Email
from server.services.emails.messages import MAX_EXCERPT, MAX_HEADLINE
from server.services.emails.renderer import render
from server.services.emails.text import shortened


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One item. `headline` is a sentence, `excerpt` is what the newest of its users wrote, or empty.

    `link` is the page that shows it, or empty; `label` is the link's text.
    """

    headline: str
    excerpt: str
    link: str
    label: str


@dataclass(frozen=True, slots=True)
class DigestSummary:
    """`headline` has numbers only, no text of another user: `12 likes and 2 new followers`.

    `frequency` is how often such e-mails are sent, as `daily`, or empty. `more`: there are notifications besides these.
    """

    headline: str
    lines: Sequence[DigestLine]
    frequency: str
    more: bool


def digest_email(
    key: str, to: str, name: str, summary: DigestSummary, unsubscribe_url: str, list_id: str
) -> Email:
    """Return the e-mail that sums up notifications; its subject is the headline."""
    rows = [
        (
            {
                "headline": shortened(line.headline, MAX_HEADLINE),
                "excerpt": shortened(line.excerpt, MAX_EXCERPT),
                "label": line.label,
            },
            {"link": line.link},
        )
        for line in summary.lines
    ]
    values = {
        "subject": summary.headline,
        "name": name,
        "summary": summary.headline,
        "more": "more" if summary.more else "",
        "frequency": summary.frequency,
    }
    text, html = render("digest", values, {"unsubscribe_url": unsubscribe_url}, rows)
    return Email(key, to, summary.headline, text, html, unsubscribe_url, list_id)
