"""The e-mails of the service, each as text and HTML."""

from dataclasses import dataclass

from server.gateways.email.email import Email
from server.services.emails.renderer import render
from server.services.emails.text import shortened, unlinked
from server.user_text import one_line

MAX_SUBJECT = 100
MAX_HEADLINE = 200
MAX_EXCERPT = 300
MAX_MESSAGE = 1000
MAX_USER_AGENT = 120


@dataclass(frozen=True, slots=True)
class EmailContent:
    """Content of a notification e-mail.

    `headline` is a sentence, "ana commented on your post."; without the full stop it is the subject. `excerpt` is the
    comment, or empty. `link` is the page that shows it, or empty; `label` is the link's text. `topic` completes
    "You receive e-mails about": "comments".
    """

    headline: str
    excerpt: str
    link: str
    label: str
    topic: str


@dataclass(frozen=True, slots=True)
class SignInChange:
    """Texts about a change of how the owner signs in. `headline` is a sentence."""

    subject: str
    headline: str


@dataclass(frozen=True, slots=True)
class SignInDetails:
    """Time and origin of a sign-in. The client chose `user_agent`."""

    time: str
    user_agent: str
    address: str


def password_reset_email(key: str, to: str, name: str, link: str, minutes: int) -> Email:
    """Return the e-mail with the link to the page that sets a new password."""
    subject = "Reset your password"
    values = {"subject": subject, "name": name, "minutes": str(minutes)}
    text, html = render("reset", values, {"link": link})
    return Email(key, to, subject, text, html)


def password_changed_email(key: str, to: str, name: str) -> Email:
    """Return the e-mail that lets an owner notice a password change by another person."""
    subject = "Your password was changed"
    text, html = render("password_changed", {"subject": subject, "name": name})
    return Email(key, to, subject, text, html)


def address_changed_email(key: str, to: str, name: str, email: str, link: str, days: int) -> Email:
    """Return the e-mail to the previous address about a change to `email`; `link` takes the account back."""
    subject = "Your e-mail address was changed"
    values = {"subject": subject, "name": name, "email": email, "days": str(days)}
    text, html = render("address_changed", values, {"link": link})
    return Email(key, to, subject, text, html)


def verification_email(key: str, to: str, name: str, link: str, hours: int) -> Email:
    """Return the e-mail that proves who owns an address. `name` is a username: anybody can enter an address."""
    subject = "Confirm your e-mail address"
    text, html = render(
        "verification", {"subject": subject, "name": name, "hours": str(hours)}, {"link": link}
    )
    return Email(key, to, subject, text, html)


def address_in_use_email(key: str, to: str, name: str) -> Email:
    """Return the e-mail to the owner of an address that was entered for another account."""
    subject = "You already have an account"
    text, html = render("address_in_use", {"subject": subject, "name": name})
    return Email(key, to, subject, text, html)


def new_sign_in_email(key: str, to: str, name: str, sign_in: SignInDetails, link: str) -> Email:
    """Return the e-mail that lets an owner notice a sign-in by another person; `link` takes the account back."""
    subject = "New sign-in to your account"
    values = {
        "subject": subject,
        "name": name,
        "time": sign_in.time,
        "device": shortened(sign_in.user_agent, MAX_USER_AGENT) or "unknown",
        "address": sign_in.address,
    }
    text, html = render("new_sign_in", values, {"link": link})
    return Email(key, to, subject, text, html)


def sign_ins_failed_email(key: str, to: str, name: str, failures: int) -> Email:
    """Return the e-mail that lets an owner notice guesses at the password."""
    subject = "Failed attempts to sign in to your account"
    text, html = render("sign_ins_failed", {"subject": subject, "name": name, "failures": f"{failures:,}"})
    return Email(key, to, subject, text, html)


def sign_in_change_email(key: str, to: str, name: str, change: SignInChange, link: str) -> Email:
    """Return the e-mail that lets an owner notice a change of how to sign in; `link` takes the account back."""
    values = {"subject": change.subject, "name": name, "headline": change.headline}
    text, html = render("sign_in_change", values, {"link": link})
    return Email(key, to, change.subject, text, html)


def second_factor_failed_email(key: str, to: str, name: str) -> Email:
    """Return the e-mail that lets an owner notice a person who knows the password but not the second factor."""
    subject = "Wrong codes were entered for your account"
    text, html = render("second_factor_failed", {"subject": subject, "name": name})
    return Email(key, to, subject, text, html)


def deletion_requested_email(key: str, to: str, name: str, date: str) -> Email:
    """Return the e-mail that says until when the deletion of an account can be cancelled."""
    subject = "Your account will be deleted"
    text, html = render("deletion_requested", {"subject": subject, "name": name, "date": date})
    return Email(key, to, subject, text, html)


def deletion_cancelled_email(key: str, to: str, name: str) -> Email:
    """Return the e-mail about an account that a sign-in kept from being deleted."""
    subject = "Your account will not be deleted"
    text, html = render("deletion_cancelled", {"subject": subject, "name": name})
    return Email(key, to, subject, text, html)


@dataclass(frozen=True, slots=True)
class ModerationContent:
    """Content of the e-mail about a decision: sentences, the text concerned, and a link to appeal, or an empty text.

    `reason` completes "The reason:"; it may be empty, like `message`, which a moderator wrote, and `excerpt`.
    """

    subject: str
    effect: str
    reason: str
    message: str
    excerpt: str
    appeal_until: str
    link: str


def moderation_email(key: str, to: str, name: str, content: ModerationContent) -> Email:
    """Return the e-mail about a decision of moderators, or about an appeal against it."""
    values = {
        "subject": content.subject,
        "name": name,
        "effect": content.effect,
        "reason": content.reason,
        "message": shortened(content.message, MAX_MESSAGE),
        "excerpt": shortened(content.excerpt, MAX_EXCERPT),
        "appeal_until": content.appeal_until,
    }
    text, html = render("moderation", values, {"link": content.link})
    return Email(key, to, content.subject, text, html)


def export_ready_email(key: str, to: str, name: str, date: str, link: str) -> Email:
    """Return the e-mail that says until when an archive can be downloaded; `link` is a page for signed-in users."""
    subject = "Your archive is ready"
    values = {"subject": subject, "name": name, "date": date}
    text, html = render("export_ready", values, {"link": link})
    return Email(key, to, subject, text, html)


def notification_email(
    key: str, to: str, name: str, content: EmailContent, unsubscribe_url: str, list_id: str
) -> Email:
    """Return the e-mail about a notification. Texts of other users may have any length."""
    subject = shortened(one_line(content.headline).removesuffix("."), MAX_SUBJECT)
    values = {
        "subject": subject,
        "name": name,
        "headline": shortened(content.headline, MAX_HEADLINE),
        "excerpt": shortened(content.excerpt, MAX_EXCERPT),
        "label": content.label,
        "topic": content.topic,
    }
    text, html = render("notification", values, {"link": content.link, "unsubscribe_url": unsubscribe_url})
    return Email(key, to, unlinked(subject), text, html, unsubscribe_url, list_id)
