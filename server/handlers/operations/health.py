"""`/healthz` and `/readyz`: liveness of the process, and readiness of each of its parts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from marshmallow import Schema, fields, validate

from server.errors import AppError
from server.handlers import serializers
from server.handlers.fields import Count
from server.handlers.http.middleware import InFlight
from server.handlers.http.operations import Reply, operation
from server.handlers.operations.operator_token import has_operator_token
from server.handlers.operations.recent import Recent

CHECK_TIMEOUT_S = 2.0

ONLY_OPERATORS = "Only with METRICS_TOKEN, if it is set."

Check = Callable[[], Awaitable[str]]


class LivenessSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["ok"]))


class ReadinessSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(["ok", "draining", "unavailable"]))
    parts = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata={"description": f"`ok`, perhaps with a remark, or the problem, by part. {ONLY_OPERATORS}"},
    )
    restarts = fields.Dict(
        keys=fields.String(),
        values=Count(),
        metadata={"description": f"Restarts of each long-lived task after a crash. {ONLY_OPERATORS}"},
    )


class HealthRoutes:
    """`checks` by part return `ok` or the problem, or raise; `restarts` returns the restarts of each task.

    The parts are checked at most once per second, so that probes cannot use up the connections of requests. Only with
    `token`, if it is not empty, does a response name them.
    """

    def __init__(
        self,
        in_flight: InFlight,
        checks: Mapping[str, Check],
        restarts: Callable[[], Mapping[str, int]] = dict[str, int],
        token: str = "",
    ) -> None:
        self._in_flight = in_flight
        self._checks = checks
        self._restarts = restarts
        self._token = token
        self._parts = Recent(self._check_parts)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/healthz", self.check_liveness), web.get("/readyz", self.check_readiness)]

    @operation(
        "checkLiveness",
        "Check that the process is alive",
        tag="health",
        description=(
            "For a supervisor that restarts the process. It does not check the database or other dependencies."
        ),
        responds={200: Reply("Alive", LivenessSchema)},
        public=True,
        rates=(),
    )
    async def check_liveness(self, _: web.Request) -> web.Response:
        return serializers.json_response({"status": "ok"})

    @operation(
        "checkReadiness",
        "Check that the process can serve requests",
        tag="health",
        description="For load balancers: 503 while a dependency is unavailable, and during startup and shutdown.",
        responds={
            200: Reply("Ready", ReadinessSchema),
            503: Reply("Not ready: a part is unavailable, or the process is shutting down", ReadinessSchema),
        },
        public=True,
        rates=(),
    )
    async def check_readiness(self, request: web.Request) -> web.Response:
        parts = await self._parts.get()
        draining = self._in_flight.draining
        ready = not draining and all(result == "ok" or result.startswith("ok: ") for result in parts.values())
        body: dict[str, Any] = {"status": "ok" if ready else "draining" if draining else "unavailable"}
        if has_operator_token(request, self._token):
            body |= {"parts": parts, "restarts": self._restarts()}
        return serializers.json_response(body, 200 if ready else 503, None if ready else {"Retry-After": "1"})

    async def _check_parts(self) -> dict[str, str]:
        results = await asyncio.gather(*(_run(check) for check in self._checks.values()))
        return dict(zip(self._checks, results, strict=True))


async def _run(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await check()
    except TimeoutError:
        return "no answer in time"
    except AppError as error:
        return error.reason
    except Exception as error:  # noqa: BLE001 - any failure of a check is its result
        return f"no answer: {type(error).__name__}"  # its text has the address of the part, and the route is public
