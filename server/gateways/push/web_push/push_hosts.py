"""The push services that this server sends requests to; a subscription names an address of its choice."""

from collections.abc import Iterable
from urllib.parse import urlsplit

MAX_ENDPOINT = 2048


class PushHosts:
    """Allowed hosts: `push.example.com`, with a port if it is not 443, or `*.example.com` for every host below it."""

    def __init__(self, allowed: Iterable[str]) -> None:
        names = [name.lower() for name in allowed]
        self._exact = frozenset(name for name in names if not name.startswith("*."))
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))

    def allows(self, endpoint: str) -> bool:
        """Return whether an endpoint is an https address of an allowed host."""
        try:
            parts = urlsplit(endpoint)
            port = parts.port
        except ValueError:
            return False
        host = parts.hostname or ""
        if parts.scheme != "https" or "@" in parts.netloc or len(endpoint) > MAX_ENDPOINT:
            return False
        name = host if port in (None, 443) else f"{host}:{port}"
        return name in self._exact or (bool(self._suffixes) and name.endswith(self._suffixes))
