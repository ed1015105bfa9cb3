"""Readiness reports the problem of a part without its address."""

from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.errors import Unavailable
from server.handlers.http.middleware import InFlight
from server.handlers.operations.health import HealthRoutes
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
