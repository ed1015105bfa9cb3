"""Where a request comes from: the address that sessions, limits and logs all take for the client's.

A proxy of ours says for whom it asks in X-Forwarded-For. Anybody can send that header, so it is believed only from the
networks in `app.trusted_proxies`, and read from the right, where our own proxies have written.
"""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

CLIENT_IP = web.RequestKey("address", str)
FORWARDED_FOR = "X-Forwarded-For"
MAX_HOPS = 20

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class ClientIps:
    def __init__(self, trusted_proxies: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted_proxies)

    def of(self, request: web.Request) -> str:
        """The address of the client; empty for a peer without one."""
        peer = request.remote or ""
        if not self._trusted:
            return peer
        address = parsed(peer)
        if address is None or not self._is_trusted(address):
            return peer
        return str(self._behind(address, ",".join(request.headers.getall(FORWARDED_FOR, []))))

    def _behind(self, proxy: Address, forwarded: str) -> Address:
        """The first address from the right that is no proxy of ours; what cannot be read ends the search."""
        nearest = proxy
        for text in reversed(forwarded.split(",")[-MAX_HOPS:]):
            address = parsed(text.strip())
            if address is None:
                return nearest
            nearest = address
            if not self._is_trusted(address):
                return nearest
        return nearest

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


@lru_cache(maxsize=4096)
def parsed(text: str) -> Address | None:
    """An address as proxies write it: also in brackets, and with a port. None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def rate_limit_key(address: str) -> str:
    """Under what an address is limited: IPv6 by its /64, which is what one subscriber has, and may use at will."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False).network_address)
    return str(found) if found else address[:45]


def client_ip(request: web.Request) -> str:
    """The client's address, as the outermost middleware has found it."""
    return request[CLIENT_IP]
