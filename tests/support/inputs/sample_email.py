"""A sample e-mail, and a check of a received one."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from server.gateways.email.email import Email

SENDER = "Photos <post@photos.test>"
SAMPLE_EMAIL = Email(
    key="email.password_reset-7",
    to="ada@example.com",
    subject="Ein Gruß",
    text="Grüße\nhttps://x/?token=t",
    html="<p>Grüße</p>",
)


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def assert_is_the_email(message: EmailMessage) -> None:
    assert (message["From"], message["To"]) == (SENDER, "ada@example.com")
    assert (message["Subject"], message["Message-ID"]) == ("Ein Gruß", "<email.password_reset-7@photos.test>")
    assert message["Auto-Submitted"] == "auto-generated"
    text, page = message.iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().splitlines() == ["Grüße", "https://x/?token=t"]
    assert page.get_content().splitlines() == ["<p>Grüße</p>"]
