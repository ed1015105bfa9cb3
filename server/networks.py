"""Client networks: the ranges of addresses that rate limits and fair shares count as one client.

A subscriber usually gets an IPv4 address, or an IPv6 /64 to /56; a /48 costs an attacker little.
"""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

MAX_UNREADABLE_LENGTH = 45


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of one address, as texts for keys. An address that cannot be parsed stands for itself.

    host: the IPv4 address, or the IPv6 /64
    subscriber: the IPv4 /24, or the IPv6 /56
    site: the IPv4 /24, or the IPv6 /48
    """

    host: str
    subscriber: str
    site: str
    is_ipv6: bool = False


@lru_cache(maxsize=4096)
def parse_ip(text: str) -> IpAddress | None:
    """Parse an address as proxies write it, possibly with brackets and a port; None if it is not one."""
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
def networks_of(address: str) -> Networks:
    """Return the networks of an address."""
    parsed = parse_ip(address)
    if isinstance(parsed, IPv6Address):
        return Networks(_network(parsed, 64), _network(parsed, 56), _network(parsed, 48), is_ipv6=True)
    if parsed is None:
        text = address[:MAX_UNREADABLE_LENGTH]
        return Networks(text, text, text)
    network = _network(parsed, 24)
    return Networks(str(parsed), network, network)


def _network(address: IpAddress, bits: int) -> str:
    return str(ip_network((address, bits), strict=False))


def is_secure_url(url: str, *, this_machine: bool) -> bool:
    """Return whether keys may be read from a URL: https; with `this_machine`, http on loopback as well."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    return this_machine and parts.scheme == "http" and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
