"""Words of others, made fit for a letter."""

import re

ELLIPSIS = "…"
# Controls that are no white space; what turns the direction of the text after it round; and halves of surrogate pairs,
# which no encoding takes.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_JOINING = "\u200d\ufe0f"  # between the parts of an emoji


def one_line(text: str) -> str:
    """Without controls and line breaks, and with single spaces."""
    return " ".join(_UNWANTED.sub("", text).split())


def shortened(text: str, most: int) -> str:
    """One line of at most `most` characters, cut after a word if one ends in its second half, with an ellipsis."""
    text = one_line(text)
    if len(text) <= most:
        return text
    head = text[: most - 1]
    words = head if text[most - 1] == " " else head.rpartition(" ")[0]
    return (words if len(words) > most // 2 else head).rstrip(f" {_JOINING}") + ELLIPSIS
