"""Readiness tells what is wrong with a part, and nothing of where it is."""

from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.errors import Unavailable
from server.handlers.http.middleware import InFlight
from server.handlers.operations.health import HealthRoutes


async def readiness(said: str | Exception) -> tuple[int, dict[str, Any]]:
    async def check() -> str:
        if isinstance(said, Exception):
            raise said
        return said

    routes = HealthRoutes(InFlight(), {"redis": check})
    answer: web.Response = await routes.ready(make_mocked_request("GET", "/readyz"))
    assert isinstance(answer.body, bytes)
    return answer.status, orjson.loads(answer.body)


async def test_a_process_whose_parts_are_well_is_ready() -> None:
    status, told = await readiness("ok")
    assert (status, told["status"], told["parts"]) == (200, "ok", {"redis": "ok"})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("restarting", "restarting"),
        (ConnectionError("Error 111 connecting to 10.0.0.7:6379."), "no answer: ConnectionError"),
        (Unavailable("The database does not answer."), "The database does not answer."),
    ],
)
async def test_what_is_wrong_with_a_part_is_told_without_addresses(said: str | Exception, told: str) -> None:
    status, answer = await readiness(said)
    assert (status, answer["status"], answer["parts"]) == (503, "unavailable", {"redis": told})
