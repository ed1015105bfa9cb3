"""Usernames for people who did not choose one."""

import re
import secrets
import unicodedata
from collections.abc import Iterator

from server.services.accounts.reserved_usernames import is_reserved
from server.services.accounts.usernames import USERNAME_PATTERN

FALLBACK = "user"
MAX_STEM = 20
_SEPARATORS = re.compile(r"[^a-z0-9_]+")


def suggest_usernames(name: str, email: str) -> Iterator[str]:
    """Yield valid names that are not reserved, derived from a person's name, else from an e-mail address.

    The first ones are short; later ones have so many random digits that they are free.
    """
    stem = _stem(name) or _stem(email.partition("@")[0]) or FALLBACK
    for digits in (0, 2, 4, 8):
        suffix = f"{secrets.randbelow(10**digits):0{digits}}" if digits else ""
        candidate = f"{stem}{suffix}"
        if USERNAME_PATTERN.fullmatch(candidate) and not is_reserved(candidate):
            yield candidate
    yield f"{FALLBACK}{secrets.randbelow(10**12):012}"


def _stem(text: str) -> str:
    """Return the Latin letters and digits of a text, in lower case, with dots between words."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return _SEPARATORS.sub(".", plain).strip("._")[:MAX_STEM].rstrip("._")
