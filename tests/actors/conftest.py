"""Fixtures with a broker per queue and no receiver."""

from collections.abc import AsyncIterator

import pytest

from server.gateways.redis.client import connection_pool
from server.pubsub.broker import QueueBroker
from server.pubsub.job_notifier import JobNotifier
from server.services.jobs.event_jobs import Queue
from tools.harness.backends import Stack


@pytest.fixture
async def brokers(stack: Stack) -> AsyncIterator[dict[Queue, QueueBroker]]:
    brokers = {
        queue: QueueBroker(connection_pool(stack.redis.url, 1.0, retries=0), queue, block_ms=100)
        for queue in Queue
    }
    for broker in brokers.values():
        await broker.startup()
    yield brokers
    for broker in brokers.values():
        await broker.shutdown()


@pytest.fixture
def notifier(brokers: dict[Queue, QueueBroker]) -> JobNotifier:
    return JobNotifier(brokers)
