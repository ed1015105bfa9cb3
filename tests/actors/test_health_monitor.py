"""Watching over the parts that a process depends on."""

import asyncio

import pytest
from structlog.testing import capture_logs

from server.actors import health_monitor
from server.actors.health_monitor import HealthMonitor
from server.errors import Unavailable
from server.metrics import Metrics
from server.outages import Outage
from tests.support.waiting import wait_until
from tests.test_metrics import figures


class Part:
    """Something to be asked; `away` is what it raises."""

    def __init__(self) -> None:
        self.away: Exception | None = None
        self.asked = 0

    async def ping(self) -> None:
        self.asked += 1
        if self.away is not None:
            raise self.away


async def test_an_outage_is_told_once_and_so_is_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    database, redis, metrics = Part(), Part(), Metrics()
    outages = {part: Outage(part, settled_after_s=0.0) for part in ("database", "redis")}
    watching = HealthMonitor({"database": database.ping, "redis": redis.ping}, outages, metrics)
    database.away = Unavailable("The database does not answer.")
    monkeypatch.setattr(health_monitor, "LAG_EVERY_S", 0.005)
    monkeypatch.setattr(health_monitor, "PING_EVERY_S", 0.005)
    with capture_logs() as lines:
        task = asyncio.create_task(watching.run())
        await wait_until(lambda: database.asked >= 3)
        up = figures(metrics)
        assert (up["photofeed_dependency_up", "database"], up["photofeed_dependency_up", "redis"]) == (0, 1)
        database.away = None
        await wait_until(lambda: not outages["database"].is_ongoing)
        database.away = TimeoutError()
        await wait_until(lambda: outages["database"].is_ongoing)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [line["event"] for line in lines] == [
        "database_unavailable",
        "database_recovered",
        "database_unavailable",
    ]
    assert lines[2]["reason"] == "no reply within 2 s"
    assert figures(metrics)["photofeed_loop_lag_seconds_count",] > 0
