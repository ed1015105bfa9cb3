"""Texts that users write: what is removed, and what must stay."""

import pytest

from server.user_text import clean_line, clean_lines, has_visible, one_line


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" Ana  Lindqvist ", "Ana Lindqvist"),
        ("Ana\r\nX: y\tz", "Ana X: y z"),
        ("Ana\u2028Lindqvist\u0085B", "Ana Lindqvist B"),
        ("\u202emoc.elpmaxe\u202c \u200b\u200bSupport ✓", "moc.elpmaxe Support ✓"),
        ("\u2066Ana\u2069\u200e\u200f\u061c", "Ana"),
        ("A\u00adn\u034fa\ufeff\u2060", "Ana"),
        ("Ana\u200dB\u200cC", "AnaBC"),  # Latin script has no joiners
        ("\u200dAna", "Ana"),
        ("A\U000e0041\U000e0042na", "Ana"),  # a message in tag characters
        ("A\x07\x7f\x9bna", "Ana"),
        ("\u3164\u115f\u2800", ""),
        ("José", "José"),
        ("Jose\u0301", "José"),
        ("O’Brien-Šćepanović", "O’Brien-Šćepanović"),
        ("کتاب\u200cخانه", "کتاب\u200cخانه"),
        ("می\u200c", "می"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("അവന്\u200d", "അവന്\u200d"),  # a consonant without vowel, at the end of a word
        ("क्\u200dष", "क्\u200dष"),
        ("👩🏽\u200d🚀 🏳\ufe0f\u200d🌈", "👩🏽\u200d🚀 🏳\ufe0f\u200d🌈"),
        (
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ),
        ("葛\U000e0100城", "葛\U000e0100城"),  # the variant of a Han character
        ("\ufe0fAna", "Ana"),
        ("ᠠ\u180b", "ᠠ\u180b"),
    ],
)
def test_name_is_one_line_of_visible_characters(typed: str, name: str) -> None:
    assert clean_line(typed) == name
    assert clean_line(name) == name


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("  one\r\ntwo\rthree\u2028four\x0bfive  ", "one\ntwo\nthree\nfour\nfive"),
        ("a\u202eb\u202cc\u2067d\u2069", "abcd"),
        ("a\x08\x7f\x85b\tc", "a\nb\tc"),
        ("u\u0308ber", "u\u0308ber"),
        ("שלום\u200f! ไม่\u200bใช้ a\u200db", "שלום\u200f! ไม่\u200bใช้ a\u200db"),
        ("hi\U000e0049\U000e0067", "hi"),
        ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"),
    ],
)
def test_text_keeps_lines_and_loses_controls(typed: str, text: str) -> None:
    assert clean_lines(typed) == text


def test_one_line_is_not_normalized() -> None:
    assert one_line("u\u0308ber\n\u202eb") == "u\u0308ber b"


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\u200b", "\u202e \u2800", "\u3164", "\U000e0041", "\ufe0f", "\u00ad"]
)
def test_invisible_text_shows_nothing(text: str) -> None:
    assert not has_visible(text)


@pytest.mark.parametrize("text", ["a", " . ", "\u200b1", "😀", "\u0301"])
def test_text_with_a_visible_character(text: str) -> None:
    assert has_visible(text)
