"""`/metrics`: the process's own figures, for Prometheus.

It is served on the port of the API (of a process that runs jobs only: on `app.worker_port`). It tells sizes and rates,
and nothing of anybody. With METRICS_TOKEN set it is answered to `Authorization: Bearer <that token>` alone; without it
an operator who wants it inside refuses the path at the proxy.
"""

import asyncio
import hmac

from aiohttp import web
from aiohttp_apispec import docs

from server.errors import Unauthenticated, Unavailable
from server.handlers.http.rate_limiting import not_rate_limited
from server.handlers.http.requests import public
from server.handlers.schemas import ProblemSchema
from server.metrics import CONTENT_TYPE, Metrics
from server.services.jobs.queue_administration import QueueAdministration

QUEUES_TIMEOUT_S = 2.0


class MetricsRoutes:
    def __init__(self, metrics: Metrics, queues: QueueAdministration, token: str = "") -> None:
        self._metrics = metrics
        self._queues = queues
        self._token = token.encode()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/metrics", self.read)]

    @docs(
        tags=["health"],
        operationId="readMetrics",
        summary="Prometheus metrics",
        produces=["text/plain"],
        responses={
            "200": {"description": "The text format of Prometheus", "schema": {"type": "string"}},
            "401": {"description": "METRICS_TOKEN is set, and was not sent", "schema": ProblemSchema()},
        },
    )
    @public
    @not_rate_limited
    async def read(self, request: web.Request) -> web.Response:
        if self._token:
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            sent = given.strip().encode(errors="replace")  # with a lone surrogate it is no text, and not ours
            if scheme.lower() != "bearer" or not hmac.compare_digest(sent, self._token):
                raise Unauthenticated("Send the token of the metrics: Authorization: Bearer <token>.")
        await self._look_at_queues()
        text = await asyncio.to_thread(self._metrics.render)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})

    async def _look_at_queues(self) -> None:
        """While the database is away the other figures are wanted all the more."""
        try:
            async with asyncio.timeout(QUEUES_TIMEOUT_S):
                self._metrics.show_queues([status.size for status in await self._queues.overview()])
        except (Unavailable, TimeoutError):
            self._metrics.show_queues([])
