"""The client's IP address, as used by sessions, rate limits and logs.

A proxy passes it on in X-Forwarded-For. Any client can send that header. It is therefore trusted only from the networks
in `app.trusted_proxies`, and read from the right, where trusted proxies append.
"""

from collections.abc import Sequence

import structlog
from aiohttp import web

from server.handlers.http.requests import user_agent
from server.networks import IpAddress, IpNetwork, parse_ip
from server.services.records import Client

log = structlog.get_logger(__name__)

CLIENT_IP = web.RequestKey("client_ip", str)
FORWARDED_FOR = "X-Forwarded-For"
FORWARDED = "Forwarded"
MAX_HOPS = 20


class ClientIps:
    def __init__(self, trusted_proxies: Sequence[IpNetwork] = ()) -> None:
        self._trusted = tuple(trusted_proxies)
        self._reported = False

    def get_for(self, request: web.Request) -> str:
        """Return the client's address; empty if the peer has none."""
        peer = request.remote or ""
        address = parse_ip(peer) if self._trusted else None
        if address is None or not self._is_trusted(address):
            if not self._reported:
                self._report_ignored_header(request, peer)
            return peer
        return str(self._forwarded_client(address, ",".join(request.headers.getall(FORWARDED_FOR, []))))

    def is_proxy(self, peer: str) -> bool:
        """Return whether a peer is one of the trusted proxies."""
        address = parse_ip(peer) if self._trusted else None
        return address is not None and self._is_trusted(address)

    def _forwarded_client(self, proxy: IpAddress, forwarded: str) -> IpAddress:
        """Return the first address from the right that is not a trusted proxy; an unreadable entry ends the search."""
        nearest = proxy
        for text in reversed(forwarded.split(",")[-MAX_HOPS:]):
            address = parse_ip(text.strip())
            if address is None:
                return nearest
            nearest = address
            if not self._is_trusted(address):
                return nearest
        return nearest

    def _report_ignored_header(self, request: web.Request, peer: str) -> None:
        """Warn about the first forwarded header of an untrusted peer: a proxy is probably not configured."""
        for name in (FORWARDED_FOR, FORWARDED):
            if name in request.headers:
                self._reported = True
                log.warning(
                    "forwarded_header_ignored",
                    header=name,
                    peer=peer,
                    detail="If this peer is your proxy, add its network to TRUSTED_PROXIES.",
                )
                return

    def _is_trusted(self, address: IpAddress) -> bool:
        return any(address in network for network in self._trusted)


def client_ip(request: web.Request) -> str:
    """Return the client's address that the outermost middleware determined."""
    return request[CLIENT_IP]


def current_client(request: web.Request, device_token: str = "") -> Client:
    """Return the client of a request, as services know it."""
    return Client(client_ip(request), user_agent(request), device_token)
