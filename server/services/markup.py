"""What a caption or a comment mentions: `@username` and `#hashtag`."""

import re
import unicodedata

MOST = 30

USERNAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])")
_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_]))(?!\w)")
_HASHTAG = re.compile(r"(?<![\w#&])#(\w{1,100})")


def normalised(name: str) -> str:
    """The form by which user names and e-mail addresses are unique: NFKC, casefolded."""
    return unicodedata.normalize("NFKC", name).casefold()


def mentions(text: str) -> tuple[str, ...]:
    """The user names after an @, lower case, each once, in the order of the text, at most 30."""
    return tuple(dict.fromkeys(name.lower() for name in _MENTION.findall(text)))[:MOST]


def hashtags(text: str) -> tuple[str, ...]:
    """The words after a #, lower case, each once, in the order of the text, at most 30; numbers alone are none."""
    return tuple(dict.fromkeys(tag.lower() for tag in _HASHTAG.findall(text) if not tag.isdigit()))[:MOST]
