"""E-mail texts: what a reader sees in HTML and in plain text, and that users' texts stay harmless."""

import unicodedata
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest

from server.gateways.email.smtp import SmtpEmailSender
from server.gateways.email.smtp_connection import SmtpServer
from server.services.emails.messages import (
    EmailContent,
    SignInChange,
    SignInDetails,
    address_changed_email,
    address_in_use_email,
    deletion_cancelled_email,
    deletion_requested_email,
    new_sign_in_email,
    notification_email,
    password_changed_email,
    password_reset_email,
    second_factor_failed_email,
    sign_in_change_email,
    sign_ins_failed_email,
    verification_email,
)
from tests.support.fakes.smtp_server import FakeSmtpServer
from tests.support.inputs import malicious_files

CONTENT = EmailContent(
    "ana commented on your photo.",
    "Lovely light!",
    "https://photos.test/posts/7",
    "See the photo",
    "comments",
)
UNSUBSCRIBE = "https://photos.test/notifications/unsubscribe?token=a_b-c"
LIST = "comments.photos.test"

VOID = {"meta", "br", "img"}

EMAILS = {
    "reset": password_reset_email(
        "key", "ada@example.com", "ada", "https://photos.test/reset?token=a_b-c&x=1", 30
    ),
    "password changed": password_changed_email("key", "ada@example.com", "ada"),
    "address changed": address_changed_email(
        "key", "ada@example.com", "ada", "new@example.com", "https://photos.test/recover?token=a_b-c", 7
    ),
    "verification": verification_email(
        "key", "ada@example.com", "ada", "https://photos.test/verify?token=a_b-c", 24
    ),
    "address in use": address_in_use_email("key", "ada@example.com", "ada"),
    "new sign-in": new_sign_in_email(
        "key",
        "ada@example.com",
        "ada",
        SignInDetails("2026-01-31 12:00 UTC", "Browser/5.0 (Phone)", "192.0.2.1"),
        "https://photos.test/sessions",
    ),
    "second factor changed": sign_in_change_email(
        "key",
        "ada@example.com",
        "ada",
        SignInChange("Two-step sign-in was turned off", "Signing in no longer needs a code."),
        "https://photos.test/recover?token=a_b-c",
    ),
    "second factor failed": second_factor_failed_email("key", "ada@example.com", "ada"),
    "deletion requested": deletion_requested_email("key", "ada@example.com", "ada", "2026-01-31 12:00 UTC"),
    "deletion cancelled": deletion_cancelled_email("key", "ada@example.com", "ada"),
    "sign-ins failed": sign_ins_failed_email("key", "ada@example.com", "ada", 1200),
    "notification": notification_email("key", "ada@example.com", "ada", CONTENT, UNSUBSCRIBE, LIST),
}


class Page(HTMLParser):
    """The visible text of an HTML page, its links, and its tags with their attribute names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen = ""
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str | None] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "title" not in self._open:
            self.seen += data


def visible_text(text: str) -> str:
    """Return the text without line breaks, links and the footer separator."""
    return " ".join(word for word in text.split() if not word.startswith("http") and word != "--")


@pytest.mark.parametrize("name", [name for name in EMAILS if name != "notification"])
def test_text_and_html_say_the_same(name: str) -> None:
    email = EMAILS[name]
    page = Page(email.html)
    seen = visible_text(page.seen)
    for button in ("Choose a new password ", "This was not me ", "Confirm this address "):
        seen = seen.replace(f": {button}", ": ")
    assert seen == visible_text(email.text)
    assert all(link in email.text.split() for link in page.links)


def test_notification_email_names_event_and_unsubscribe_link() -> None:
    email = EMAILS["notification"]
    assert email.subject == "ana commented on your photo"
    assert email.text.splitlines() == [
        "Hello ada,",
        "",
        "ana commented on your photo.",
        "",
        "> Lovely light!",
        "",
        "See the photo:",
        "https://photos.test/posts/7",
        "",
        "-- ",
        f"You receive e-mails about comments. Unsubscribe: {UNSUBSCRIBE}",
    ]
    page = Page(email.html)
    assert [line for line in page.seen.splitlines() if line] == [
        "Hello ada,",
        "ana commented on your photo.",
        "Lovely light!",
        "See the photo",
        "You receive e-mails about comments. Unsubscribe.",
    ]
    assert page.links == ["https://photos.test/posts/7", UNSUBSCRIBE]


def test_notification_email_without_excerpt_and_link() -> None:
    content = EmailContent("ana follows you.", "", "", "", "follows")
    email = notification_email("key", "ada@example.com", "ada", content, "", "")
    assert email.text.splitlines() == [
        "Hello ada,",
        "",
        "ana follows you.",
        "",
        "-- ",
        "You receive e-mails about follows.",
    ]
    page = Page(email.html)
    assert page.links == []
    assert not {"blockquote", "a"} & {tag for tag, _ in page.tags}


def test_long_excerpt_is_cut_after_a_word() -> None:
    long = replace(CONTENT, headline=f"{'ana ' * 99}.", excerpt="Lovely  light,\nisn't it? " * 40)
    email = notification_email("key", "ada@example.com", "ada", long, UNSUBSCRIBE, LIST)
    assert len(email.subject) <= 100
    assert email.subject.endswith("ana…")
    quoted = " ".join(line.removeprefix("> ") for line in email.text.splitlines() if line.startswith(">"))
    assert 280 <= len(quoted) <= 300
    assert quoted.startswith("Lovely light, isn't it? Lovely")
    assert quoted.removesuffix("…").split()[-1] in ("Lovely", "light,", "isn't", "it?")
    assert quoted in Page(email.html).seen


@pytest.mark.parametrize(
    ("excerpt", "shown"),
    [
        ("x" * 300, "x" * 300),
        ("x" * 301, f"{'x' * 299}…"),
        (f"{'x' * 299} y", f"{'x' * 299}…"),
        (f"{'x' * 200} {'y' * 200}", f"{'x' * 200}…"),
        (f"x {'y' * 400}", f"x {'y' * 297}…"),
        ("\U0001f469\u200d" * 200, "\U0001f469\u200d" * 149 + "\U0001f469…"),
    ],
)
def test_excerpt_without_spaces_is_cut(excerpt: str, shown: str) -> None:
    content = replace(CONTENT, excerpt=excerpt)
    email = notification_email("key", "ada@example.com", "ada", content, UNSUBSCRIBE, LIST)
    assert shown in Page(email.html).seen.splitlines()


@pytest.fixture
async def smtp_and_sender() -> AsyncIterator[tuple[FakeSmtpServer, SmtpEmailSender]]:
    smtp = FakeSmtpServer().start()
    sender = SmtpEmailSender(
        SmtpServer("127.0.0.1", smtp.port, "", "", "none", 10.0), "Photos <post@photos.test>"
    )
    yield smtp, sender
    await sender.close()
    smtp.stop()


async def test_malicious_text_stays_plain_text(
    smtp_and_sender: tuple[FakeSmtpServer, SmtpEmailSender],
) -> None:
    smtp, sender = smtp_and_sender
    for text in malicious_files.TEXTS.values():
        content = EmailContent(f"{text} likes your photo.", text, f"https://photos.test/{text}", text, text)
        url = f"https://photos.test/?token={text}"
        await sender.send(notification_email("key", "ada@example.com", text, content, url, text))
        await sender.send(password_reset_email("key", "ada@example.com", text, url, 30))
        await sender.send(
            address_changed_email("key", "ada@example.com", text, text, "https://photos.test/recover", 7)
        )
    assert smtp.connections == 1
    assert len(smtp.taken) == 3 * len(malicious_files.TEXTS)
    usual = {name: Page(email.html).tags for name, email in EMAILS.items()}
    for number, envelope in enumerate(smtp.taken):
        assert envelope.rcpt_tos == ["ada@example.com"]
        assert isinstance(envelope.content, bytes)
        assert_harmless(envelope.content, usual[("notification", "reset", "address changed")[number % 3]])


def assert_harmless(content: bytes, tags: list[tuple[str, tuple[str, ...]]]) -> None:
    assert max(map(len, content.splitlines())) <= 998
    head = content.partition(b"\r\n\r\n")[0].decode("ascii")
    names = {line.partition(":")[0] for line in head.splitlines() if not line.startswith((" ", "\t"))}
    assert names <= {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe", "List-Unsubscribe-Post",
        "List-Id", "MIME-Version", "Content-Type",
    }  # fmt: skip
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert len(message["Subject"]) <= 150  # it may have got word joiners
    assert_plain(message["Subject"])
    text, page = message.iter_parts()
    assert (text.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    assert Page(page.get_content()).tags == tags
    for part in (text, page):
        for line in part.get_content().split("\n"):
            assert_plain(line.rstrip("\r"))
            assert not line.startswith(("Bcc", "RCPT", "MAIL", "."))


def assert_plain(line: str) -> None:
    assert not {unicodedata.category(sign) for sign in line} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(sign) for sign in line} & {
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    }


def test_name_is_escaped_in_greeting() -> None:
    name = "<b>ada</b>\n\nVisit & see {{ 7 * 7 }}"
    email = password_changed_email("key", "ada@example.com", name)
    greeting = "Hello <b>ada</b> Visit & see {{ 7 * 7 }},"
    assert email.text.splitlines()[0] == greeting
    page = Page(email.html)
    assert greeting in page.seen
    assert page.tags == Page(EMAILS["password changed"].html).tags


def test_link_is_unchanged_in_both_parts() -> None:
    email = EMAILS["reset"]
    assert Page(email.html).links == ["https://photos.test/reset?token=a_b-c&x=1"]
    assert "\nhttps://photos.test/reset?token=a_b-c&x=1\n" in email.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("login.evil.com", "login.|evil.|com"),
        ("see https://evil.example/bank?1", "see https:|//evil.|example/bank?1"),
        ("write to bank@evil.example", "write to bank@evil.|example"),
        ("evil。com evil．com evil｡com", "evil。|com evil．|com evil｡|com"),
        ("3.14 at 12.30, on 192.0.2.1. Really...", "3.14 at 12.30, on 192.0.2.1. Really..."),
    ],
)
def test_texts_of_others_become_no_links(text: str, shown: str) -> None:
    content = EmailContent(
        f"{text} commented on your photo.", text, "https://photos.test/7", text, "comments"
    )
    email = notification_email("key", "ada@example.com", text, content, UNSUBSCRIBE, LIST)
    expected = shown.replace("|", "\u2060")
    assert email.subject.startswith(expected)
    for part in (email.text, Page(email.html).seen):
        assert part.count(expected) == 4
        assert part.count(text) == (4 if text == expected else 0)
    assert Page(email.html).links == ["https://photos.test/7", UNSUBSCRIBE]
