"""Usernames: their pattern, and the key that makes them and e-mail addresses unique."""

import re
import unicodedata

USERNAME_PATTERN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])")


def normalize(name: str) -> str:
    """Return the unique key of a username or an e-mail address: NFKC, casefolded."""
    return unicodedata.normalize("NFKC", name).casefold()
