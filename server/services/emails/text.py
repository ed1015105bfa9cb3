"""Shortens texts that users wrote for e-mails and pushes, and keeps them from becoming links."""

import re

from server.gateways.email.email import WORD_JOINER
from server.user_text import one_line

ELLIPSIS = "…"
# Where mail programs find a URL, a host name or an address: "://", and a dot or one of its forms in a domain (UTS #46).
_LINK_SIGNS = re.compile(r":(?=//)|(?<=[^\s.])[.\u3002\uff0e\uff61](?=[^\W\d_])")
_JOINERS = "\u200d\ufe0f"  # join the parts of an emoji


def shortened(text: str, max_length: int) -> str:
    """Return one line of at most `max_length` characters, with an ellipsis if it was cut.

    The cut is after a word if a word ends in the second half.
    """
    text = one_line(text)
    if len(text) <= max_length:
        return text
    head = text[: max_length - 1]
    words = head if text[max_length - 1] == " " else head.rpartition(" ")[0]
    return (words if len(words) > max_length // 2 else head).rstrip(f" {_JOINERS}") + ELLIPSIS


def unlinked(text: str) -> str:
    """Return the text with invisible characters that keep mail programs from making links of it."""
    return _LINK_SIGNS.sub(rf"\g<0>{WORD_JOINER}", text)
