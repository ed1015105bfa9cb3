"""Usernames: their pattern, and the key that makes them and e-mail addresses unique."""

import re
import unicodedata

from server.email_addresses import address_key

# How long a name that was given up is reserved, so that no other user inherits the links to it.
FORMER_USERNAME_MS = 30 * 86_400_000
USERNAME_PATTERN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])")


def normalize(name: str) -> str:
    """Return the unique key of a username (NFKC, casefolded) or of an e-mail address, which has an @."""
    return address_key(name) if "@" in name else unicodedata.normalize("NFKC", name).casefold()
