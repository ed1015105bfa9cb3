"""User names: their form, and the key by which they and e-mail addresses are unique."""

import re
import unicodedata

USERNAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.]{1,28}[A-Za-z0-9_])")


def normalize(name: str) -> str:
    """Return the unique key of a user name or an e-mail address: NFKC, casefolded."""
    return unicodedata.normalize("NFKC", name).casefold()
