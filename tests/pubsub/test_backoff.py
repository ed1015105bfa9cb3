"""Backoff while Redis is unavailable."""

import structlog

from server.pubsub.backoff import RedisBackoff


async def test_connection_that_flaps_is_logged_as_one_outage() -> None:
    outage = RedisBackoff(queue="feed")
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            await outage.back_off(ConnectionError("gone"))
            outage.succeeded()
    assert [(line["event"], line["queue"]) for line in lines] == [("redis_unavailable", "feed")]
