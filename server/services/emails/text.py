"""Prepares texts that users wrote for e-mails and pushes."""

import re

ELLIPSIS = "…"
# Control characters other than white space, marks that change the text direction, and surrogate halves, which cannot
# be encoded.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_JOINERS = "\u200d\ufe0f"  # join the parts of an emoji


def one_line(text: str) -> str:
    """Return the text without control characters and line breaks, with single spaces."""
    return " ".join(_UNWANTED.sub("", text).split())


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
