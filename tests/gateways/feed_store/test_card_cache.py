"""Tests of the card cache in Redis."""

from server.gateways.feed_store.card_cache import RedisCardCache
from tools.harness.services import ServiceHarness


async def test_card_cache_adapts_to_a_smaller_limit(harness: ServiceHarness) -> None:
    large, small = RedisCardCache(harness.pipelined_redis, 5000), RedisCardCache(harness.pipelined_redis, 10)
    await large.put(dict.fromkeys(range(3000), b"[]"), {})
    await small.put({1: b"[]"}, {})
    assert await harness.redis.hlen("cards:posts") < 3000
