"""Shortens texts that users wrote for e-mails and pushes."""

from server.user_text import one_line

ELLIPSIS = "…"
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
