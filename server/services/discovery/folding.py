"""Folding: what different spellings of a text share, and its words. Texts and queries are folded alike."""

import unicodedata
from functools import lru_cache

import regex

# Accents and the optional vowel signs of Arabic and Hebrew. The signs of Indic scripts, of Thai and of kana change
# the word, so they stay. Invisible characters and the Arabic filler change nothing.
_DROPPED = regex.compile(
    r"[[\p{Mn}&&[\p{Inherited}\p{Hebrew}\p{Arabic}]]--[\u3099\u309a]]|[\p{Default_Ignorable_Code_Point}\u0640]",
    regex.V1,
)
# Characters whose stroke or ligature Unicode does not decompose.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_SPACELESS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u3005\u30fc"
_RUN = regex.compile(rf"[{_SPACELESS}][{_SPACELESS}\p{{M}}]*|[^{_SPACELESS}]+")
_SPACELESS_CHARACTER = regex.compile(f"[{_SPACELESS}]")
_FIRST_SPACELESS, _FIRST_MARK = "\u0e01", "\u0300"
_MARK = regex.compile(r"\p{M}")


def fold(text: str) -> str:
    """Return the text without case, accents and compatibility variants: `Ａ`, `á` and `a` are one."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", _DROPPED.sub("", decomposed).translate(_LETTERS).casefold())


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """Return the folded words of a text: letters, marks and digits; everything else separates them."""
    return tuple(_WORD.findall(fold(text)))


def runs(text: str) -> list[str]:
    """Return the words of a text, divided where a script written without spaces begins or ends."""
    return [run for word in words(text) for run in _RUN.findall(word)]


def is_spaceless(character: str) -> bool:
    """Return whether words of this character's script are not separated by spaces, or carry endings, as in Korean."""
    return character >= _FIRST_SPACELESS and _SPACELESS_CHARACTER.match(character) is not None


def is_mark(character: str) -> bool:
    """Return whether a character belongs to the one before it."""
    return character >= _FIRST_MARK and _MARK.match(character) is not None
