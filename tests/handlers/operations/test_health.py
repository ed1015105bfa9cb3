"""Readiness reports the problem of a part without its address."""

import asyncio
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.errors import Unavailable
from server.handlers.http.middleware import InFlight
from server.handlers.operations.health import HealthRoutes
from server.handlers.operations.recent import Recent
from server.metrics import Metrics


async def readiness(outcome: str | Exception) -> tuple[int, dict[str, Any]]:
    async def check() -> str:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    routes = HealthRoutes(InFlight(Metrics()), {"redis": check})
    response: web.Response = await routes.check_readiness(make_mocked_request("GET", "/readyz"))
    assert isinstance(response.body, bytes)
    return response.status, orjson.loads(response.body)


async def test_process_with_working_parts_is_ready() -> None:
    status, body = await readiness("ok")
    assert (status, body["status"], body["parts"]) == (200, "ok", {"redis": "ok"})


async def test_strangers_get_the_status_only() -> None:
    async def check() -> str:
        return "ok"

    routes = HealthRoutes(InFlight(Metrics()), {"redis": check}, token="secret")
    for sent, members in (
        ({}, {"status"}),
        ({"Authorization": "Bearer secret"}, {"status", "parts", "restarts"}),
    ):
        response: web.Response = await routes.check_readiness(make_mocked_request("GET", "/readyz", sent))
        assert isinstance(response.body, bytes)
        assert orjson.loads(response.body).keys() == members


async def test_many_probes_share_one_check() -> None:
    checks: list[int] = []

    async def check() -> str:
        checks.append(1)
        await asyncio.sleep(0)
        return "ok"

    routes = HealthRoutes(InFlight(Metrics()), {"database": check})
    request = make_mocked_request("GET", "/readyz")
    await asyncio.gather(*(routes.check_readiness(request) for _ in range(100)))
    assert len(checks) == 1


async def test_result_is_renewed_and_errors_are_not_kept() -> None:
    outcomes: list[int | Exception] = [ValueError(), 1, 2]

    async def compute() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    recent = Recent(compute, max_age_s=0.05)
    with pytest.raises(ValueError):
        await recent.get()
    assert [await recent.get(), await recent.get()] == [1, 1]
    await asyncio.sleep(0.06)
    assert await recent.get() == 2


@pytest.mark.parametrize(
    ("outcome", "reported"),
    [
        ("restarting", "restarting"),
        (ConnectionError("Error 111 connecting to 10.0.0.7:6379."), "no answer: ConnectionError"),
        (Unavailable("The database does not response."), "The database does not response."),
    ],
)
async def test_readiness_reports_problems_without_addresses(outcome: str | Exception, reported: str) -> None:
    status, body = await readiness(outcome)
    assert (status, body["status"], body["parts"]) == (503, "unavailable", {"redis": reported})
