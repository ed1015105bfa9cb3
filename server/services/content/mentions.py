"""Mentions and hashtags in captions and comments: `@username` and `#hashtag`; the users that mentions mean.

Both follow what public services do. Hashtags are those of UAX #31, without emoji. Nothing is found within URLs.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

import regex

from server.ids import UserId
from server.models.accounts.users import UserRepository
from server.services.accounts.usernames import USERNAME_PATTERN, normalize
from server.user_text import SCRIPT_JOINER

MAX_PER_TEXT = 30
NO_MENTIONS: Mapping[str, UserId] = MappingProxyType({})
MAX_HASHTAG = 100

# Up to white space, a quote, or a character of a script that is written without spaces.
_URL = regex.compile(
    r"(?:(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}+://|\bwww\.)"
    r"[^\s\"<>“”\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\u3001-\u301f\uff01-\uff0f\uff1a-\uff1f]*+",
    regex.IGNORECASE,
)
# Not after Latin script, which an e-mail address or a handle may have there. Scripts without spaces, and those with
# prefixes such as Hebrew, write a mention directly after a word. The look-ahead comes first, because a look-behind of
# any length at each position would take quadratic time.
_MENTION = regex.compile(
    r"(?=[@＠])(?<![\p{Latin}\d]\p{M}*)(?<![_!#$%&*=/@＠])."
    rf"((?>{USERNAME_PATTERN.pattern}))(?![\p{{Latin}}\d\p{{M}}_@＠])"
)
_MEDIAL = (
    "·\u0387・･〜～\u05be\u05f3\u05f4\u0f0b\u0f0c"  # within words of Catalan, Japanese, Hebrew and Tibetan
)
_CONTINUE = rf"[\p{{XID_Continue}}--\p{{Default_Ignorable_Code_Point}}--[{_MEDIAL}]]"
# Not after a word, as in "a#b", nor after &, as in "&#39;"; another hashtag may directly precede it.
_HASHTAG = regex.compile(
    r"(?=[#＃﹟])(?:\G|(?<![\p{L}\p{M}\p{N}\p{Pc}&#＃﹟/=]))."
    rf"((?!\p{{M}}){_CONTINUE}"
    rf"(?:{_CONTINUE}|{SCRIPT_JOINER}|(?<=\p{{Hebrew}})\u05f3|[{_MEDIAL}](?={_CONTINUE}))*+)",
    regex.V1,
)
_LETTER = regex.compile(r"\p{L}")


class Mentions:
    def __init__(self, users: UserRepository) -> None:
        self._users = users

    async def resolve(self, text: str, previous: Mapping[str, UserId] = NO_MENTIONS) -> dict[str, UserId]:
        """Return the users that a text mentions, by the key of the name as it is written; others are left out.

        A name that the `previous` version of the text had still means the same user, even if another one has it now.
        """
        names = mentions_in(text)
        found = await self._users.find_ids([name for name in names if name not in previous])
        known = {**found, **previous}
        return {name: known[name] for name in names if name in known}


def mentions_in(text: str) -> tuple[str, ...]:
    """Return the keys of at most 30 distinct usernames after an @, in order of appearance."""
    names: list[str] = _MENTION.findall(_without_urls(text))
    return tuple(dict.fromkeys(map(normalize, names)))[:MAX_PER_TEXT]


def hashtags_in(text: str) -> tuple[str, ...]:
    """Return the keys of at most 30 distinct hashtags, in order of appearance.

    A hashtag is not digits and underscores alone, and has at most 100 characters.
    """
    tags: list[str] = _HASHTAG.findall(_without_urls(text))
    keys = (hashtag_key(tag) for tag in tags if _LETTER.search(tag))
    return tuple(dict.fromkeys(key for key in keys if len(key) <= MAX_HASHTAG))[:MAX_PER_TEXT]


def hashtag_key(tag: str) -> str:
    """Return what all spellings of a hashtag share: NFKC, casefolded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tag).casefold())


def _without_urls(text: str) -> str:
    """Return the text with slashes in place of URLs: neither kind of mark is found after a slash."""
    if "://" not in text and "www." not in text.lower():
        return text
    return _URL.sub(lambda found: "/" * len(found[0]), text)
