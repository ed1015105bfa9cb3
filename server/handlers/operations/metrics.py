"""`/metrics`: Prometheus metrics of the process, or of all processes of its group.

They are served on the port of the API; a worker process serves them on `app.worker_port`. They have no personal data.
With METRICS_TOKEN set, `Authorization: Bearer <token>` is required; without it, block the path at the proxy if it
should not be public.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from server.errors import Unauthenticated, Unavailable
from server.handlers.http.operations import Reply, operation
from server.handlers.operations.operator_token import has_operator_token
from server.handlers.operations.recent import Recent
from server.metrics import METRICS_CONTENT_TYPE, Metrics, QueueSize
from server.services.jobs.queue_administration import QueueAdministration

QUEUES_TIMEOUT_S = 2.0


class MetricsRoutes:
    def __init__(
        self,
        metrics: Metrics,
        queues: QueueAdministration,
        token: str = "",
        render: Callable[[], Awaitable[bytes]] | None = None,
    ) -> None:
        """`render` returns the metrics of all processes on this port; by default those of this process."""
        self._metrics = metrics
        self._render = render or self._render_own
        self._queues = queues
        self._token = token
        self._queue_sizes = Recent(self._read_queue_sizes)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/metrics", self.read_metrics)]

    @operation(
        "readMetrics",
        "Get Prometheus metrics",
        tag="health",
        description="In the text format of Prometheus. With `METRICS_TOKEN`, the request needs it as a bearer token.",
        responds={200: Reply("Prometheus text format", {"type": "string"}, "text/plain")},
        refuses={401: "METRICS_TOKEN is set, and the request does not have it"},
        public=True,
        rates=(),
    )
    async def read_metrics(self, request: web.Request) -> web.Response:
        if not has_operator_token(request, self._token):
            raise Unauthenticated("The metrics token is required: Authorization: Bearer <token>.")
        self._metrics.set_queue_sizes(await self._queue_sizes.get())
        return web.Response(
            body=await self._render(),
            headers={"Content-Type": METRICS_CONTENT_TYPE, "Cache-Control": "no-store"},
        )

    async def _render_own(self) -> bytes:
        return await asyncio.to_thread(self._metrics.render)

    async def _read_queue_sizes(self) -> list[QueueSize]:
        """Return no sizes while the database is unavailable: the other metrics are needed most then."""
        try:
            async with asyncio.timeout(QUEUES_TIMEOUT_S):
                return [status.size for status in await self._queues.overview()]
        except (Unavailable, TimeoutError):
            return []
