"""What stands in the letters, in text and in HTML. Who gets them, and when, is decided by those who send them."""

from dataclasses import dataclass

from server.gateways.email.email import Email
from server.services.emails.renderer import render
from server.services.emails.text import one_line, shortened

MAX_SUBJECT = 100
MAX_HEADLINE = 200
MAX_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class EmailContent:
    """What a letter about a notification says, in words made by the caller.

    `headline` is a sentence, "ana commented on your photo."; without its full stop it is the subject. `excerpt` has the
    words of the comment, or nothing. `link` is where it can be seen, or nothing; `label` says so: "See the photo".
    `kind` is what one gets mail about: "comments", "likes", "follows", "mentions", "replies".
    """

    headline: str
    excerpt: str
    link: str
    label: str
    kind: str


def password_reset_email(key: str, to: str, username: str, link: str, minutes: int) -> Email:
    """The link to a page that takes a new password."""
    subject = "Choose a new password"
    words = {"subject": subject, "username": username, "minutes": str(minutes)}
    text, html = render("reset", words, {"link": link})
    return Email(key, to, subject, text, html)


def password_changed_email(key: str, to: str, username: str) -> Email:
    """Word that the password was changed, for the case that its owner did not do it."""
    subject = "Your password was changed"
    text, html = render("password_changed", {"subject": subject, "username": username})
    return Email(key, to, subject, text, html)


def address_changed_email(key: str, to: str, username: str, email: str) -> Email:
    """Word to the address before that another one has taken its place, for the case that its owner did not do it."""
    subject = "Your e-mail address was changed"
    text, html = render("address_changed", {"subject": subject, "username": username, "email": email})
    return Email(key, to, subject, text, html)


def notification_email(
    key: str, to: str, username: str, told: EmailContent, unsubscribe_url: str, list_id: str
) -> Email:
    """What happened, what was said, and how to be rid of such mail. Words of others may be of any length."""
    subject = shortened(one_line(told.headline).removesuffix("."), MAX_SUBJECT)
    words = {
        "subject": subject,
        "username": username,
        "headline": shortened(told.headline, MAX_HEADLINE),
        "excerpt": shortened(told.excerpt, MAX_EXCERPT),
        "label": told.label,
        "kind": told.kind,
    }
    text, html = render("notification", words, {"link": told.link, "unsubscribe_url": unsubscribe_url})
    return Email(key, to, subject, text, html, unsubscribe_url, list_id)
