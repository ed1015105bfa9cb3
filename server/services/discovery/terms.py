"""Terms of the search index: what is stored for a name or a caption, so that queries are ranges or single values.

A name is a text of lines, each of folded words separated by spaces. Words are joined in its terms, so that `mariasil`
finds `maria.silva` and `Maria Silva` alike. A caption is a text of folded runs separated by spaces.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from server.models.discovery.search_terms import MAX_TERM, Form
from server.services.discovery.folding import is_mark, is_spaceless, runs, words

MIN_INSIDE = 3
MIN_TYPO = 4
TYPO_POSITIONS = 8
TYPO_LENGTH = 12
PREFIX_LENGTHS = range(3, 7)
MAX_CAPTION_TERMS = 400


class Term(NamedTuple):
    form: Form
    text: str


def name_text(*lines: str) -> str:
    """Return the text of an entry from the lines of a name, such as the username and the full name."""
    return "\n".join(filter(None, (" ".join(words(line)) for line in lines)))


def caption_text(caption: str) -> str:
    """Return the text of an entry from a caption."""
    return " ".join(runs(caption))


def name_terms(text: str) -> frozenset[Term]:
    """Return the terms of a name: those of `positions`, and as TYPO the START terms without one of their characters."""
    starts, inside = positions(text)
    typos = {variant for start in starts for variant in _omissions(start[:TYPO_LENGTH])}
    return frozenset(
        [Term(Form.START, each) for each in starts]
        + [Term(Form.INSIDE, each) for each in inside]
        + [Term(Form.TYPO, each) for each in _longest(typos)]
    )


@lru_cache(maxsize=16_384)
def positions(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the START and the INSIDE terms of a name, in order.

    START: each word start with all that follows. INSIDE: the other positions that leave three characters of the
    word, or any in a script without spaces. A term that another one begins with is left out, because a range finds the
    longer one as well.
    """
    starts: set[str] = set()
    inside: set[str] = set()
    for line in text.split("\n"):
        joined, first = line.replace(" ", ""), 0
        for word in line.split(" "):
            starts.add(joined[first : first + MAX_TERM])
            for offset in range(1, len(word)):
                character = word[offset]
                if (len(word) - offset >= MIN_INSIDE and not is_mark(character)) or is_spaceless(character):
                    inside.add(joined[first + offset : first + offset + MAX_TERM])
            first += len(word)
    kept = _longest(starts)
    return tuple(kept), tuple(each for each in _longest(inside) if not _begins_any(each, kept))


@lru_cache(maxsize=1024)
def caption_terms(text: str) -> frozenset[Term]:
    """Return the terms of a caption: words with their beginnings of 3 to 6 characters.

    Of scripts without spaces: each character and each pair. At most 400 terms, of the beginning of the caption.
    """
    terms: dict[str, None] = {}
    for run in text.split(" ") if text else ():
        terms |= dict.fromkeys(_grams(run) if is_spaceless(run[0]) else _beginnings(run))
        if len(terms) >= MAX_CAPTION_TERMS:
            break
    return frozenset(Term(Form.WORD, term) for term in [*terms][:MAX_CAPTION_TERMS])


def caption_lookups(run: str) -> list[str]:
    """Return the terms that every caption with a word of this beginning has."""
    if is_spaceless(run[0]):
        pairs = [gram for gram in _grams(run) if len(gram) > 1]
        return pairs or [run]
    return [run[: PREFIX_LENGTHS[-1]]]


def caption_matches(text: str, query: Sequence[str]) -> bool:
    """Return whether each run of the query begins a word of a caption, or occurs in a script without spaces."""
    spaced = f" {text}"
    return all(run in text if is_spaceless(run[0]) else f" {run}" in spaced for run in query)


def typo_lookups(query: str) -> list[Term]:
    """Return beginnings of terms, one of which every name has that begins with the query but for one character.

    Other names match, too. A query of less than four characters has none.
    """
    if len(query) < MIN_TYPO or is_spaceless(query[0]):
        return []
    cut = query[: TYPO_LENGTH - 1]
    lookups = [Term(Form.START, each) for each in _omissions(cut, first=0)]
    lookups += [Term(Form.TYPO, each) for each in (*_omissions(cut), cut)]
    lookups.append(Term(Form.INSIDE, cut[1:]))
    if len(query) > TYPO_POSITIONS:
        lookups.append(Term(Form.START, query[:TYPO_POSITIONS]))
    return list(dict.fromkeys(lookups))


def begins_with_typo(text: str, query: str) -> bool:
    """Return whether a word start of a name equals the query but for one character, or two that were swapped."""
    sizes = range(len(query) - 1, len(query) + 2)
    return any(is_one_edit(query, start[:size]) for start in positions(text)[0] for size in sizes)


def is_one_edit(one: str, other: str) -> bool:
    """Return whether one change, insertion, removal or swap of neighbours turns one text into the other."""
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    a, b = one[same:], other[same:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
    return a[1:] == b or a == b[1:]


def _longest(pieces: Iterable[str]) -> list[str]:
    """Return the pieces, in order, that no other piece begins with."""
    ordered = sorted(pieces)
    return [piece for piece, after in pairwise([*ordered, ""]) if not after.startswith(piece)]


def _begins_any(piece: str, ordered: Sequence[str]) -> bool:
    position = bisect_right(ordered, piece)
    return any(each.startswith(piece) for each in ordered[max(0, position - 1) : position + 1])


def _omissions(text: str, first: int = 1) -> Iterator[str]:
    """Return the text without one of its characters, for each from the position `first` on."""
    if len(text) < MIN_TYPO - 1 or is_spaceless(text[0]):
        return
    for position in range(first, min(len(text), TYPO_POSITIONS)):
        yield text[:position] + text[position + 1 :]


def _beginnings(word: str) -> Iterator[str]:
    yield word[:MAX_TERM]
    for length in PREFIX_LENGTHS:
        if length < len(word):
            yield word[:length]


def _grams(run: str) -> Iterator[str]:
    for position, character in enumerate(run):
        if not is_mark(character):
            yield character
            if position + 1 < len(run):
                yield run[position : position + 2]
