"""Queries: how a searched text is looked up in the index, and the cursors of their results."""

import base64
import hashlib
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from server.ids import MAX_ID
from server.models.discovery.search_terms import MAX_TERM, Form
from server.paging import unknown_cursor
from server.services.discovery.folding import words
from server.services.discovery.terms import positions

MAX_REMEMBERED = 8192  # pairs of a query and a name; the same names match the same popular queries


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the results: terms of one form that begin with `prefix`, of names with words that begin as `others`."""

    form: Form
    prefix: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NameQuery:
    """A searched text, and the sections in which the names that match it are listed."""

    joined: str
    sections: tuple[Section, ...]

    @classmethod
    def of(cls, text: str, *, inside: bool = True) -> "NameQuery":
        """Return the query for a text; `inside` finds it within words as well."""
        found = words(text)
        joined = "".join(found)[:MAX_TERM]
        sections = [Section(Form.START, joined)] if joined else []
        if len(found) > 1:  # names that have other words in between, or another order
            longest = max(found, key=len)
            sections.append(Section(Form.START, longest[:MAX_TERM], found))
        elif joined and inside:
            sections.append(Section(Form.INSIDE, joined))
        return cls(joined, tuple(sections))

    @lru_cache(maxsize=MAX_REMEMBERED)  # noqa: B019 - queries are values
    def first_term(self, text: str) -> tuple[int, str] | None:
        """Return the first section that lists a name, and the term under which it does; None if none does."""
        starts, inside = positions(text)
        for number, section in enumerate(self.sections):
            terms = inside if section.form is Form.INSIDE else starts
            at = bisect_left(terms, section.prefix)
            if at < len(terms) and terms[at].startswith(section.prefix) and _has_all(starts, section.others):
                return number, terms[at]
        return None

    @lru_cache(maxsize=MAX_REMEMBERED)  # noqa: B019 - queries are values
    def section_of(self, text: str) -> int | None:
        """Return the first section that a name matches, without computing its terms."""
        for number, section in enumerate(self.sections):
            if section.form is Form.INSIDE:
                matches = any(section.prefix in line for line in text.replace(" ", "").split("\n"))
            else:
                matches = all(_has_start(text, each) for each in (section.prefix, *section.others))
            if matches:
                return number
        return None


def _has_start(text: str, prefix: str) -> bool:
    """Return whether a word of a name begins with `prefix`, which may go on in the words after it."""
    if f" {prefix}" in " " + text.replace("\n", "\n "):
        return True
    if not any(prefix.startswith(word) for word in text.split()):
        return False  # it does not go on beyond any word
    for line in text.split("\n"):
        joined, first = line.replace(" ", ""), 0
        for word in line.split(" "):
            if joined.startswith(prefix, first):
                return True
            first += len(word)
    return False


def _has_all(starts: Sequence[str], beginnings: Sequence[str]) -> bool:
    return all(any(start.startswith(each) for start in starts) for each in beginnings)


def encode_cursor(query: str, area: str, values: Sequence[int | str]) -> str:
    """Return a cursor at a position in an area of the results of one query."""
    return base64.urlsafe_b64encode(orjson.dumps([_digest(query), area, *values])).decode().rstrip("=")


def decode_cursor(query: str, cursor: str, shapes: Mapping[str, Sequence[type]]) -> tuple[str, list[Any]]:
    """Return the area and the values of a cursor. `shapes` has the types of the values by area.

    Raises InvalidInput for a cursor of another query or of another form.
    """
    try:
        digest, area, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError) as error:
        raise unknown_cursor() from error
    if (
        digest != _digest(query)
        or not isinstance(area, str)
        or [*map(type, values)] != [*shapes.get(area, ())]
    ):
        raise unknown_cursor()
    if any(isinstance(value, int) and not 0 <= value <= MAX_ID for value in values):
        raise unknown_cursor()
    return area, values


def _digest(query: str) -> str:
    return hashlib.blake2b(query.encode(), digest_size=6).hexdigest()
