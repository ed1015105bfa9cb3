"""What a caption or a comment mentions: `@username` and `#hashtag`."""

import re

MOST = 30

_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_]))(?!\w)")
_HASHTAG = re.compile(r"(?<![\w#&])#(\w{1,100})")


def mentions_in(text: str) -> tuple[str, ...]:
    """The user names after an @, lower case, each once, in the order of the text, at most 30."""
    return tuple(dict.fromkeys(name.lower() for name in _MENTION.findall(text)))[:MOST]


def hashtags_in(text: str) -> tuple[str, ...]:
    """The words after a #, lower case, each once, in the order of the text, at most 30; numbers alone are none."""
    return tuple(dict.fromkeys(tag.lower() for tag in _HASHTAG.findall(text) if not tag.isdigit()))[:MOST]
