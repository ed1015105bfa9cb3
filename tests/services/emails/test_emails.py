"""The letters as their readers see them: in a mail program that shows HTML, and in one that shows text."""

import unicodedata
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest

from server.gateways.email.smtp import SmtpEmailSender, SmtpServer
from server.services.emails.messages import (
    EmailContent,
    address_changed_email,
    notification_email,
    password_changed_email,
    password_reset_email,
)
from tests.support import malicious_files
from tests.support.fake_smtp import FakeSmtpServer

TOLD = EmailContent(
    "ana commented on your photo.",
    "Lovely light!",
    "https://photos.test/posts/7",
    "See the photo",
    "comments",
)
UNSUBSCRIBE = "https://photos.test/notifications/unsubscribe?token=a_b-c"
LIST = "comments.photos.test"

VOID = {"meta", "br", "img"}

LETTERS = {
    "reset": password_reset_email(
        "key", "ada@example.com", "ada", "https://photos.test/reset?token=a_b-c&x=1", 30
    ),
    "password changed": password_changed_email("key", "ada@example.com", "ada"),
    "address changed": address_changed_email("key", "ada@example.com", "ada", "new@example.com"),
    "notification": notification_email("key", "ada@example.com", "ada", TOLD, UNSUBSCRIBE, LIST),
}


class Page(HTMLParser):
    """What a reader sees of a page, and what it is made of: `tags` with the names of their attributes."""

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


def sentences(text: str) -> str:
    """The text without what is only form: line breaks, links and the sign before the footer."""
    return " ".join(word for word in text.split() if not word.startswith("http") and word != "--")


@pytest.mark.parametrize("name", ["reset", "password changed", "address changed"])
def test_a_letter_says_the_same_in_text_and_in_html(name: str) -> None:
    letter = LETTERS[name]
    page = Page(letter.html)
    seen = sentences(page.seen).replace("here: Choose a new password ", "here: ")
    assert seen == sentences(letter.text)
    assert all(link in letter.text.split() for link in page.links)


def test_a_notification_says_what_happened_and_how_to_be_rid_of_it() -> None:
    letter = LETTERS["notification"]
    assert letter.subject == "ana commented on your photo"
    assert letter.text.splitlines() == [
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
        f"You get mail about comments. Stop it: {UNSUBSCRIBE}",
    ]
    page = Page(letter.html)
    assert [line for line in page.seen.splitlines() if line] == [
        "Hello ada,",
        "ana commented on your photo.",
        "Lovely light!",
        "See the photo",
        "You get mail about comments. Stop it.",
    ]
    assert page.links == ["https://photos.test/posts/7", UNSUBSCRIBE]


def test_a_notification_without_words_or_a_place_has_neither_quote_nor_button() -> None:
    told = EmailContent("ana follows you.", "", "", "", "follows")
    letter = notification_email("key", "ada@example.com", "ada", told, "", "")
    assert letter.text.splitlines() == [
        "Hello ada,",
        "",
        "ana follows you.",
        "",
        "-- ",
        "You get mail about follows.",
    ]
    page = Page(letter.html)
    assert page.links == []
    assert not {"blockquote", "a"} & {tag for tag, _ in page.tags}


def test_long_words_of_others_are_cut_at_a_word() -> None:
    long = replace(TOLD, headline=f"{'ana ' * 99}.", excerpt="Lovely  light,\nisn't it? " * 40)
    letter = notification_email("key", "ada@example.com", "ada", long, UNSUBSCRIBE, LIST)
    assert len(letter.subject) <= 100
    assert letter.subject.endswith("ana…")
    quoted = " ".join(line.removeprefix("> ") for line in letter.text.splitlines() if line.startswith(">"))
    assert 280 <= len(quoted) <= 300
    assert quoted.startswith("Lovely light, isn't it? Lovely")
    assert quoted.removesuffix("…").split()[-1] in ("Lovely", "light,", "isn't", "it?")
    assert quoted in Page(letter.html).seen


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
def test_what_has_no_word_to_be_cut_at_is_cut_all_the_same(excerpt: str, shown: str) -> None:
    told = replace(TOLD, excerpt=excerpt)
    letter = notification_email("key", "ada@example.com", "ada", told, UNSUBSCRIBE, LIST)
    assert shown in Page(letter.html).seen.splitlines()


@pytest.fixture
async def post() -> AsyncIterator[tuple[FakeSmtpServer, SmtpEmailSender]]:
    office = FakeSmtpServer().start()
    mail = SmtpEmailSender(
        SmtpServer("127.0.0.1", office.port, "", "", "none", 10.0), "Photos <post@photos.test>"
    )
    yield office, mail
    await mail.close()
    office.stop()


async def test_nothing_that_people_write_is_more_than_words_in_a_letter(
    post: tuple[FakeSmtpServer, SmtpEmailSender],
) -> None:
    office, mail = post
    for text in malicious_files.TEXTS.values():
        told = EmailContent(f"{text} likes your photo.", text, f"https://photos.test/{text}", text, text)
        url = f"https://photos.test/?token={text}"
        await mail.send(notification_email("key", "ada@example.com", text, told, url, text))
        await mail.send(password_reset_email("key", "ada@example.com", text, url, 30))
        await mail.send(address_changed_email("key", "ada@example.com", text, text))
    assert office.connections == 1
    assert len(office.taken) == 3 * len(malicious_files.TEXTS)
    usual = {name: Page(letter.html).tags for name, letter in LETTERS.items()}
    for number, envelope in enumerate(office.taken):
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
    assert len(message["Subject"]) <= 110  # it may have got word joiners
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


def test_a_name_is_shown_as_it_is_and_is_no_part_of_the_letter() -> None:
    name = "<b>ada</b>\n\nVisit & see {{ 7 * 7 }}"
    letter = password_changed_email("key", "ada@example.com", name)
    greeting = "Hello <b>ada</b> Visit & see {{ 7 * 7 }},"
    assert letter.text.splitlines()[0] == greeting
    page = Page(letter.html)
    assert greeting in page.seen
    assert page.tags == Page(LETTERS["password changed"].html).tags


def test_a_link_stays_what_it_was() -> None:
    letter = LETTERS["reset"]
    assert Page(letter.html).links == ["https://photos.test/reset?token=a_b-c&x=1"]
    assert "\nhttps://photos.test/reset?token=a_b-c&x=1\n" in letter.text
