"""Mentions and hashtags in captions and comments: `@username` and `#hashtag`."""

import re

MAX_PER_TEXT = 30

_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_]))(?!\w)")
_HASHTAG = re.compile(r"(?<![\w#&])#(\w{1,100})")


def mentions_in(text: str) -> tuple[str, ...]:
    """Return at most 30 distinct usernames after an @, in lower case and in order of appearance."""
    return tuple(dict.fromkeys(name.lower() for name in _MENTION.findall(text)))[:MAX_PER_TEXT]


def hashtags_in(text: str) -> tuple[str, ...]:
    """Return at most 30 distinct words after a #, in lower case and in order of appearance, without mere numbers."""
    tags = (tag.lower() for tag in _HASHTAG.findall(text) if not tag.isdigit())
    return tuple(dict.fromkeys(tags))[:MAX_PER_TEXT]
