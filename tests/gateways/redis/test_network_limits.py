"""Limits per network: the wider the network, the larger its limit."""

from server.gateways.redis.network_limits import NetworkCounters, account_counters, network_counters
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.networks import networks_of

LOGIN, READS = Limit("login", 2, 60), Limit("reads", 300, 60)


async def count_accepted(rate_limits: RateLimits, counters: NetworkCounters, times: int) -> int:
    statuses = [
        await rate_limits.hit(counters.limits, counters.subject, counters.parts) for _ in range(times)
    ]
    return sum(all(status.wait_s == 0 for status in each) for each in statuses)


def of_client(address: str) -> NetworkCounters:
    return network_counters((LOGIN, READS), networks_of(address))


async def test_ipv6_is_limited_at_64_56_and_48(redis_url: str) -> None:
    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    rate_limits = RateLimits(wire)
    accepted = {
        address: await count_accepted(rate_limits, of_client(address), 5)
        for address in (
            "2001:db8:1:100::1",
            "2001:db8:1:101::1",
            "2001:db8:1:102::1",  # the /56 is exhausted
            "2001:db8:1:200::1",
            "2001:db8:1:201::1",
            "2001:db8:1:300::1",  # the /48 is exhausted
            "2001:db8:2:100::1",
            "198.51.100.1",
            "198.51.100.2",
        )
    }
    assert list(accepted.values()) == [2, 2, 0, 2, 2, 0, 2, 2, 2]
    await wire.close()


async def test_refunded_request_may_be_repeated(redis_url: str) -> None:
    wire = PipelinedRedis(redis_url, timeout_s=1.0)
    rate_limits, counters = RateLimits(wire), of_client("2001:db8::1")
    for _ in range(5):
        assert await count_accepted(rate_limits, counters, 1) == 1
        await rate_limits.refund(counters.limits, counters.subject, counters.parts)
    assert await count_accepted(rate_limits, counters, 5) == 2
    await wire.close()


async def test_counters_of_one_subject_share_a_slot(redis_url: str) -> None:
    for counters in (of_client("2001:db8::1"), account_counters(LOGIN, "ana", networks_of("2001:db8::1"))):
        assert len({counters.subject}) == 1
        assert len(counters.limits) == len(counters.parts)
    assert [limit.name for limit in of_client("2001:db8::1").limits] == [
        "login", "reads", "login_56", "reads_56", "login_48", "reads_48",
    ]  # fmt: skip


def test_account_counts_per_ipv4_24_and_ipv6_56_and_48() -> None:
    assert account_counters(LOGIN, "ana", networks_of("198.51.100.7")).parts == ("198.51.100.0/24",)
    counters = account_counters(LOGIN, "ana", networks_of("2001:db8:1:203::4"))
    assert counters.parts == ("2001:db8:1:200::/56", "2001:db8:1::/48")
    assert [limit.count for limit in counters.limits] == [2, 8]
