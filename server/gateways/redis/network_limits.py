"""Rate limits of anonymous clients, counted per network.

An IPv6 /48 contains 65,536 networks of size /64. So IPv6 is limited at /64, /56 and /48, the wider networks with
larger limits.
"""

from dataclasses import dataclass
from functools import lru_cache

from server.gateways.redis.rate_limits import Limit
from server.networks import Networks

WIDER = (("56", 2), ("48", 4))  # bits, and how much larger the limit is than that of a /64


@dataclass(frozen=True, slots=True)
class NetworkCounters:
    """Limits, subject and parts, as `RateLimits.hit` and `refund` take them."""

    limits: tuple[Limit, ...]
    subject: str
    parts: tuple[str, ...] = ()


def network_counters(limits: tuple[Limit, ...], networks: Networks) -> NetworkCounters:
    """Return what a request of a client counts against: its IPv4 address, or its IPv6 networks."""
    if not networks.is_ipv6:
        return NetworkCounters(limits, f"a{networks.host}")
    count = len(limits)
    parts = (networks.host,) * count + (networks.subscriber,) * count + (networks.site,) * count
    return NetworkCounters(_widened(limits), f"a{networks.site}", parts)


def account_counters(limit: Limit, name: str, networks: Networks) -> NetworkCounters:
    """Return what a request about an account counts against: the account within an IPv4 /24, or an IPv6 /56 and /48."""
    if not networks.is_ipv6:
        return NetworkCounters((limit,), f"n{name}", (networks.subscriber,))
    narrow, _, wide = _widened((limit,))
    return NetworkCounters((narrow, wide), f"n{name}", (networks.subscriber, networks.site))


@lru_cache(maxsize=64)
def _widened(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    wider = [
        Limit(f"{limit.name}_{bits}", limit.count * factor, limit.window_s)
        for bits, factor in WIDER
        for limit in limits
    ]
    return (*limits, *wider)
