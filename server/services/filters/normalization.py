"""The form of a text in which filters look for words: spellings that look alike become the same.

NFKC and case folding; without invisible characters; characters of other scripts that look like Latin ones become those
(an excerpt of the confusables of UTS #39) in words that mix scripts; digits and signs that stand for a character become
it.
"""

import unicodedata

import regex

_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}]+")
_SPACE = regex.compile(r"\s+")
_WORD = regex.compile(r"[\p{L}\p{N}\p{M}@$!|]+")
_LATIN = regex.compile(r"\p{Latin}")
# Cyrillic and Greek characters that look like a Latin one, after case folding.
_CONFUSABLES = str.maketrans(
    "аеорсухкіјѕԁһӏвмнтгпԛԝυνοραεικτχϲϳβηγ",
    "aeopcyxkijsdhlbmhtrnqwuvopaeiktxcjbny",
)
_LEET = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "i"}
)


def fold(text: str) -> str:
    """Return the text as it is compared; a word keeps its boundaries."""
    folded = unicodedata.normalize("NFKC", visible(text).casefold())
    return _WORD.sub(lambda found: _unmix(found[0]), _SPACE.sub(" ", folded))


def visible(text: str) -> str:
    """Return the text in NFKC without invisible characters."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def without_digits(folded: str) -> str:
    """Return a folded text in which digits and signs within words are the characters that they stand for."""
    return _WORD.sub(lambda found: _spelled(found[0]), folded)


def _unmix(word: str) -> str:
    """Replace look-alikes in a word that has Latin characters as well; a word in one script stays as it is."""
    return word.translate(_CONFUSABLES) if not word.isascii() and _LATIN.search(word) else word


def _spelled(word: str) -> str:
    core = word.rstrip("!")  # at the end it is punctuation
    if core.isalpha() or not any(character.isalpha() for character in core):
        return word
    return core.translate(_LEET) + word[len(core) :]
