"""Website addresses that users enter: http(s) URLs of public hosts."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

import regex

from server.domains import ascii_domain

DEFAULT_PORTS = {"http": 80, "https": 443}
PRIVATE_DOMAINS = ("localhost", "local", "internal", "home.arpa", "lan", "intranet")
# White space, quotes and brackets end an attribute or a link; invisible characters hide where a link leads.
_UNSAFE = regex.compile(r"[\s\"<>\\^`{|}\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]")


def normalize_website(text: str) -> str:
    """Return the URL with its scheme and host in lower case, the host in ASCII (IDNA 2008), without a default port.

    An apostrophe is percent-encoded. Raises ValueError, with a sentence for users, for anything but an http(s) URL of
    a public host without a user name.
    """
    if _UNSAFE.search(text):
        raise ValueError(
            "Must not contain spaces, quotes, angle brackets or invisible characters: encode them."
        )
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise ValueError("Not a valid URL: check the host and the port.") from error
    if url.scheme not in DEFAULT_PORTS or not url.netloc:
        raise ValueError("Must be an http:// or https:// URL.")
    if "@" in url.netloc:
        raise ValueError("Must not contain a user name or a password.")
    host = _public_host(url)
    if port is not None and port != DEFAULT_PORTS[url.scheme]:
        host = f"{host}:{port}"
    return url._replace(netloc=host).geturl().replace("'", "%27")


def _public_host(url: SplitResult) -> str:
    host = (url.hostname or "").removesuffix(".")
    if "%" in host:
        raise ValueError("The host must not be percent-encoded.")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = ascii_domain(host)
        if name.endswith(tuple(f".{domain}" for domain in PRIVATE_DOMAINS)):
            raise ValueError("The host must be public.") from None
        return name
    if not address.is_global or address.is_multicast:
        raise ValueError("The host must be public.")
    return f"[{address}]" if address.version == 6 else str(address)
