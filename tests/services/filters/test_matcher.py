"""Texts that match the words, phrases and domains of filters."""

import pytest

from server.ids import FilterId
from server.models.moderation.content_filters import FilterAction, FilterKind, FilterRow
from server.services.filters.matcher import Matcher


def matches(kind: FilterKind, pattern: str, text: str) -> bool:
    row = FilterRow(FilterId(7), kind, pattern, FilterAction.REFUSE)
    found = Matcher([row]).find(text)
    assert found in (None, 7)
    return found is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("casino", "Visit my CASINO today"),
        ("casino", "casino!"),
        ("casino", "Ｃａｓｉｎｏ"),
        ("casino", "cas\u200bi\u00adno"),
        ("casino", "c4s1n0"),
        ("casino", "c@$ino"),
        ("casino", "с\u0430sin\u043e"),  # Cyrillic es, a and o
        ("cheap watches", "the cheap \n watches here"),
        ("straße", "STRASSE"),
        ("賭場", "線上賭場推薦"),
        ("카지노", "카지노에서"),
        ("казино", "Лучшее КАЗИНО"),
        ("don't buy", "Don't buy this"),
    ],
)
def test_spelling_of_a_word_is_found(pattern: str, text: str) -> None:
    assert matches(FilterKind.PHRASE, pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("ass", "A class of glass, passed"),
        ("sex", "Essex and Sussex"),
        ("casino", "casinos"),
        ("cheap watches", "cheap blue watches"),
        ("spam", "100 5% 4"),
        ("i", "1 2 3"),
        ("ham", "Тhis is хамон"),
    ],
)
def test_other_words_are_not_found(pattern: str, text: str) -> None:
    assert not matches(FilterKind.PHRASE, pattern, text)


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/x",
        "see EVIL.example!",
        "www.shop.evil.example",
        "evil。example",
        "http://evil．example",
    ],
)
def test_link_to_a_domain_or_below_it_is_found(text: str) -> None:
    assert matches(FilterKind.DOMAIN, "evil.example", text)


@pytest.mark.parametrize("text", ["notevil.example", "evil.example.org", "evil example", "evil.exam"])
def test_other_domains_are_not_found(text: str) -> None:
    assert not matches(FilterKind.DOMAIN, "evil.example", text)


def test_domain_is_found_in_both_forms() -> None:
    for text in ("https://straße.example", "https://xn--strae-oqa.example/"):
        assert matches(FilterKind.DOMAIN, "xn--strae-oqa.example", text)
