"""What stands in the letters, in text and in HTML. Who gets them, and when, is decided by those who send them."""

from server.gateways.mail import Letter
from server.services.letters.pages import rendered


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
