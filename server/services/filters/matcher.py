"""Finds words, phrases and domains of filters in texts."""

from collections.abc import Iterable, Sequence

import regex

from server.domains import ascii_domain
from server.ids import FilterId
from server.models.moderation.content_filters import FilterKind, FilterRow
from server.services.filters.normalization import fold, visible, without_digits

# Scripts that are written without spaces, or add particles to words: a phrase matches within a word.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]")
_WORD = regex.compile(r"[\p{L}\p{N}]")  # signs such as emoji have no word boundaries
_HOST = regex.compile(r"(?:[\p{L}\p{N}\p{M}_-]+[.\u3002])+[\p{L}\p{N}\p{M}-]+")


class Matcher:
    """All filters of one kind of action. Words match at the word boundaries of UAX #29."""

    def __init__(self, filters: Iterable[FilterRow]) -> None:
        words: dict[str, FilterId] = {}
        parts: dict[str, FilterId] = {}
        self._domains: dict[str, FilterId] = {}
        for each in filters:
            if each.kind is FilterKind.DOMAIN:
                self._domains[each.pattern] = each.id
                continue
            for form in {fold(each.pattern), without_digits(fold(each.pattern))}:
                within_words = _UNSPACED.search(form) or not _WORD.search(form)
                (parts if within_words else words)[form] = each.id
        self._ids = words | parts
        self._words = _set_of(r"\b\L<phrases>\b", list(words))
        self._parts = _set_of(r"\L<phrases>", list(parts))

    def find(self, text: str) -> FilterId | None:
        """Return a filter that the text matches, or None."""
        folded = fold(text)
        for form in dict.fromkeys((folded, without_digits(folded))):
            for pattern in (self._words, self._parts):
                if pattern is not None and (found := pattern.search(form)):
                    return self._ids[found[0]]
        return self._find_domain(visible(text))

    def _find_domain(self, text: str) -> FilterId | None:
        if not self._domains or ("." not in text and "\u3002" not in text):
            return None
        for found in _HOST.finditer(text):
            labels = _ascii_host(found[0]).split(".")
            for start in range(len(labels) - 1):
                if filter_id := self._domains.get(".".join(labels[start:])):
                    return filter_id
        return None


def _set_of(pattern: str, phrases: Sequence[str]) -> regex.Pattern[str] | None:
    return regex.compile(pattern, regex.WORD, phrases=phrases) if phrases else None


def _ascii_host(host: str) -> str:
    try:
        return ascii_domain(host)
    except ValueError:
        return host
