"""Domain names in their ASCII form: IDNA 2008 after the mapping of UTS #46, non-transitional."""

import re

import idna

MAX_DOMAIN = 253
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def ascii_domain(domain: str) -> str:
    """Return a domain name as the DNS has it: `straße.example` is `xn--strae-oqa.example`.

    Each name has one form, also if it is written in its A-label form or in full-width characters. Raises ValueError,
    with a sentence for users, for a name that cannot exist on the public internet: a single label or an IP address.
    """
    if len(domain) > MAX_DOMAIN:  # the ASCII form is never shorter, and decoding a huge label is slow
        raise ValueError(_too_long())
    try:
        mapped = idna.uts46_remap(domain, std3_rules=True, transitional=False)
        labels = [_ascii_label(label) for label in mapped.split(".")]
    except UnicodeError as error:
        raise ValueError("This domain name does not exist: check its spelling.") from error
    if len(labels) < 2:
        raise ValueError("The domain name must have a dot, as in example.com.")
    if _NUMBER.fullmatch(labels[-1]):
        raise ValueError("Must have a domain name, not an IP address.")
    name = ".".join(labels)
    if len(name) > MAX_DOMAIN:
        raise ValueError(_too_long())
    return name


def _too_long() -> str:
    return f"The domain name must have at most {MAX_DOMAIN} characters in its ASCII form."


def _ascii_label(label: str) -> str:
    """Raise UnicodeError for a label that is neither a host name nor internationalized (IDNA 2008)."""
    if label.isascii() and not label.startswith("xn--"):
        if not _LABEL.fullmatch(label):
            raise idna.IDNAError(f"Invalid label {label!r}.")
        return label
    return idna.alabel(label).decode()
