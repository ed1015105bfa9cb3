"""The letters as their readers see them: in a mail program that shows HTML, and in one that shows text."""

from html.parser import HTMLParser

import pytest

from server.gateways.mail import Letter
from server.services.letters import address_changed_letter, password_changed_letter, reset_letter

VOID = {"meta", "br", "img"}

LETTERS = {
    "reset": reset_letter("key", "ada@example.com", "ada", "https://photos.test/reset?token=a_b-c&x=1", 30),
    "password changed": password_changed_letter("key", "ada@example.com", "ada"),
    "address changed": address_changed_letter("key", "ada@example.com", "ada", "new@example.com"),
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
    """The text without what is only form: line breaks, links and the signs before footers and quotes."""
    words = [word for word in text.split() if not word.startswith("http") and word not in ("--", ">")]
    return " ".join(words)


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_a_letter_says_the_same_in_text_and_in_html(letter: Letter) -> None:
    page = Page(letter.html)
    label = "Choose a new password " if page.links else ""
    assert sentences(page.seen).replace(f"here: {label}", "here: ") == sentences(letter.text)
    assert all(link in letter.text.split() for link in page.links)


def test_a_name_is_shown_as_it_is_and_is_no_part_of_the_letter() -> None:
    name = "<b>ada</b>\n\nVisit & see {{ 7 * 7 }}"
    letter = password_changed_letter("key", "ada@example.com", name)
    greeting = "Hello <b>ada</b> Visit & see {{ 7 * 7 }},"
    assert letter.text.splitlines()[0] == greeting
    page = Page(letter.html)
    assert greeting in page.seen
    assert page.tags == Page(LETTERS["password changed"].html).tags


def test_a_link_stays_what_it_was() -> None:
    letter = LETTERS["reset"]
    assert Page(letter.html).links == ["https://photos.test/reset?token=a_b-c&x=1"]
    assert "\nhttps://photos.test/reset?token=a_b-c&x=1\n" in letter.text
