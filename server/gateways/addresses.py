"""Network addresses as URLs and messages write them."""

from urllib.parse import quote


def url_host(host: str) -> str:
    """Return the host as a URL contains it: percent-encoded, and an IPv6 address in brackets."""
    bare = host.removeprefix("[").removesuffix("]")
    return f"[{quote(bare, safe=':')}]" if ":" in bare else quote(host, safe="", errors="surrogateescape")


def address(host: str, port: int) -> str:
    """Return `host:port`, with an IPv6 address in brackets."""
    return f"{url_host(host)}:{port}"
