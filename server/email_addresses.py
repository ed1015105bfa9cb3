"""E-mail addresses: which are accepted, where they are mailed, and which of them are the same."""

import unicodedata

import regex

from server.domains import ascii_domain

MAX_ADDRESS = 254  # RFC 5321, in the ASCII form of the domain
MAX_LOCAL_BYTES = 64
# A dot-atom (RFC 5322), with letters and digits of every script (RFC 6531). A quoted local part is not accepted.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-[\p{L}\p{M}\p{N}--\p{ASCII}--\p{Default_Ignorable_Code_Point}]]+"
_LOCAL = regex.compile(
    rf"(?!.*=\?){_ATOM}(?:\.{_ATOM})*", regex.V1
)  # "=?" begins an encoded word of a header


def mailbox(address: str) -> tuple[str, str]:
    """Return the local part as it was written, and the domain in ASCII: exactly where e-mails go.

    Raises ValueError, with a sentence for users, for an address to which no e-mail can be sent.
    """
    local, at, domain = address.rpartition("@")
    if not at:
        raise ValueError("Not a valid email address: there is no @.")
    if not _LOCAL.fullmatch(local) or len(local.encode()) > MAX_LOCAL_BYTES:
        raise ValueError(
            "Not a valid email address: before the @ there may be up to 64 letters, digits, single dots and"
            " the characters !#$%&'*+/=?^_`{|}~-."
        )
    domain = ascii_domain(domain)
    # The key may be longer than the address: normalization expands one character to as many as 18.
    if max(len(local.encode()) + 1 + len(domain), len(address_key(address))) > MAX_ADDRESS:
        raise ValueError(f"Must have at most {MAX_ADDRESS} characters, with the domain in its ASCII form.")
    return local, domain


def address_key(address: str) -> str:
    """Return the unique key of an e-mail address, which all spellings of it share.

    The local part is normalized (NFKC, casefolded), the domain is in ASCII. An invalid address has a key as well,
    with which no account is found.
    """
    local, _, domain = address.rpartition("@")
    try:
        domain = ascii_domain(domain)
    except ValueError:
        domain = _fold(domain)
    return f"{_fold(local)}@{domain}"


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
