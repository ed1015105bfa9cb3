"""A limit on the open connections of one client address, so that one client cannot use up all file descriptors."""

from collections import Counter

import structlog

from server.handlers.http.client_ip import ClientIps
from server.networks import networks_of, parse_ip

log = structlog.get_logger(__name__)


class ConnectionLimits:
    """Counts connections by address (IPv6: by /64). Trusted proxies and programs on this machine have no limit."""

    def __init__(self, maximum: int, client_ips: ClientIps, *, limit_loopback: bool = False) -> None:
        """`maximum` is the number per address; 0 for no limit."""
        self._maximum = maximum
        self._limit_loopback = limit_loopback
        self._client_ips = client_ips
        self._open: Counter[str] = Counter()
        self._reported = False

    def admit(self, address: str) -> str | None:
        """Count a new connection, and return the key to release it with; None if it exceeds the limit."""
        key = networks_of(address).host
        if self._maximum and self._open[key] >= self._maximum and not self._is_exempt(address):
            self._report(address)
            return None
        self._open[key] += 1
        return key

    def _is_exempt(self, address: str) -> bool:
        parsed = parse_ip(address)
        on_this_machine = parsed is None or parsed.is_loopback
        return (on_this_machine and not self._limit_loopback) or self._client_ips.is_proxy(address)

    def release(self, key: str) -> None:
        """Remove a closed connection from the count."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]

    def _report(self, address: str) -> None:
        if not self._reported:
            self._reported = True
            log.warning(
                "connections_refused",
                address=address,
                limit=self._maximum,
                detail="Further refusals are not logged. If this is your proxy, add it to TRUSTED_PROXIES.",
            )
