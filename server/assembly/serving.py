"""An application on its port, and how it stops: accepted requests are finished first."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from socket import socket

import structlog
from aiohttp import web

from server.assembly.shutdown import CLOSE_S
from server.handlers.http.connections.connection_limits import ConnectionLimits
from server.handlers.http.connections.open_connections import OpenConnections, max_connections
from server.handlers.http.connections.runner import Runner
from server.handlers.http.middleware import InFlight

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 20.0
# A request may be on its way on an open connection.
LAME_DUCK_S = 0.3
DRAIN_POLL_S = 0.02
BACKLOG = 1024


def serving_deadline_s(requests_s: float) -> float:
    """Return how long it may take to stop serving when accepted requests get `requests_s` seconds."""
    return requests_s + CLOSE_S + 1


@asynccontextmanager
async def serving(
    app: web.Application,
    listener: socket,
    in_flight: InFlight,
    requests_s: float,
    *,
    connection_limits: ConnectionLimits,
    on_stop: Callable[[], None],
    on_cut_off: Callable[[], None],
) -> AsyncGenerator[None]:
    """Serve `app` until the context closes.

    Then no connection is accepted any more, `on_stop` is called, and accepted requests get `requests_s` seconds.
    `on_cut_off` is called if some did not finish.
    """
    runner = Runner(
        app,
        access_log=None,
        handle_signals=False,
        connection_limits=connection_limits,
        open_connections=OpenConnections(max_connections()),
        keepalive_timeout=KEEP_ALIVE_S,
        shutdown_timeout=CLOSE_S,
    )
    try:
        await runner.setup()
        site = web.SockSite(runner, listener, backlog=BACKLOG)
        await site.start()
        yield
        await site.stop()
        on_stop()
        if not await _requests_finished(in_flight, requests_s):
            on_cut_off()
            log.error("requests_cut_off", requests=in_flight.requests)
    finally:
        await runner.cleanup()


async def _requests_finished(in_flight: InFlight, timeout_s: float) -> bool:
    """Wait until no request is in flight, at least for the lame duck period. Return False after `timeout_s`."""
    began = time.monotonic()
    while (waited_s := time.monotonic() - began) < timeout_s:
        if in_flight.requests == 0 and waited_s >= LAME_DUCK_S:
            return True
        await asyncio.sleep(DRAIN_POLL_S)
    return False
