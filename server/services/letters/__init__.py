"""What stands in the letters, in text and in HTML. Who gets them, and when, is decided by those who send them."""

from dataclasses import dataclass

from server.gateways.mail import Letter
from server.services.letters.pages import rendered
from server.services.letters.words import one_line, shortened

LONGEST_SUBJECT = 100
LONGEST_HEADLINE = 200
LONGEST_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Told:
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


def reset_letter(key: str, to: str, username: str, link: str, minutes: int) -> Letter:
    """The link to a page that takes a new password."""
    subject = "Choose a new password"
    words = {"subject": subject, "username": username, "minutes": str(minutes)}
    text, html = rendered("reset", words, {"link": link})
    return Letter(key, to, subject, text, html)


def password_changed_letter(key: str, to: str, username: str) -> Letter:
    """Word that the password was changed, for the case that its owner did not do it."""
    subject = "Your password was changed"
    text, html = rendered("password_changed", {"subject": subject, "username": username})
    return Letter(key, to, subject, text, html)


def address_changed_letter(key: str, to: str, username: str, email: str) -> Letter:
    """Word to the address before that another one has taken its place, for the case that its owner did not do it."""
    subject = "Your e-mail address was changed"
    text, html = rendered("address_changed", {"subject": subject, "username": username, "email": email})
    return Letter(key, to, subject, text, html)


def notification_letter(
    key: str, to: str, username: str, told: Told, unsubscribe_url: str, list_id: str
) -> Letter:
    """What happened, what was said, and how to be rid of such mail. Words of others may be of any length."""
    subject = shortened(one_line(told.headline).removesuffix("."), LONGEST_SUBJECT)
    words = {
        "subject": subject,
        "username": username,
        "headline": shortened(told.headline, LONGEST_HEADLINE),
        "excerpt": shortened(told.excerpt, LONGEST_EXCERPT),
        "label": told.label,
        "kind": told.kind,
    }
    text, html = rendered("notification", words, {"link": told.link, "unsubscribe_url": unsubscribe_url})
    return Letter(key, to, subject, text, html, unsubscribe_url, list_id)
