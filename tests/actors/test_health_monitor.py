"""The health monitor."""

import asyncio

import pytest
from structlog.testing import capture_logs

from server.actors import health_monitor
from server.actors.health_monitor import HealthMonitor
from server.errors import Unavailable
from server.metrics import Metrics
from server.outages import Outage
from tests.test_metrics import figures
from tools.harness.waiting import wait_until


class FakeDependency:
    """A dependency whose ping raises `error`."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.pings = 0

    async def ping(self) -> None:
        self.pings += 1
        if self.error is not None:
            raise self.error


async def test_outage_and_recovery_are_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    database, redis, metrics = FakeDependency(), FakeDependency(), Metrics()
    outages = {part: Outage(part, settled_after_s=0.0) for part in ("database", "redis")}
    monitor = HealthMonitor({"database": database.ping, "redis": redis.ping}, outages, metrics)
    database.error = Unavailable("The database does not answer.")
    monkeypatch.setattr(health_monitor, "LAG_EVERY_S", 0.005)
    monkeypatch.setattr(health_monitor, "PING_EVERY_S", 0.005)
    with capture_logs() as lines:
        task = asyncio.create_task(monitor.run())
        await wait_until(lambda: database.pings >= 3)
        up = figures(metrics)
        assert (up["photofeed_dependency_up", "database"], up["photofeed_dependency_up", "redis"]) == (0, 1)
        database.error = None
        await wait_until(lambda: not outages["database"].is_ongoing)
        database.error = TimeoutError()
        await wait_until(lambda: outages["database"].is_ongoing)
        assert figures(metrics)["photofeed_loop_tasks",] >= 2  # the monitor and this test
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [line["event"] for line in lines] == [
        "database_unavailable",
        "database_recovered",
        "database_unavailable",
    ]
    assert lines[2]["reason"] == "no reply within 2 s"
    assert figures(metrics)["photofeed_loop_lag_seconds_count",] > 0
