"""An application on its port, and how it stops: a lame duck first, then accepted requests are finished."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from socket import socket

import structlog
from aiohttp import web

from server.handlers.http.connections.connection_limits import ConnectionLimits
from server.handlers.http.connections.open_connections import OpenConnections, max_connections
from server.handlers.http.connections.runner import Runner
from server.handlers.http.middleware import InFlight

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 20.0
# A request may be on its way on an open connection.
ON_THE_WAY_S = 0.3
# Time for clients to use or close their idle connections to a process that was replaced.
IDLE_CONNECTIONS_S = 2.0
# aiohttp waits once for handlers, and once again after it has cancelled them.
CUT_OFF_S = 2.0
DRAIN_POLL_S = 0.02
BACKLOG = 1024


@dataclass(slots=True)
class Departure:
    """The way in which a process stops serving.

    Balancers need time to notice that it leaves. For `lame_duck_s` seconds it accepts connections and serves
    requests, while `/readyz` answers 503 and each response closes its connection. Of a process that was `replaced`,
    others accept the connections on the same socket: it stops accepting at once, and waits for the clients that
    have connections to it.
    """

    lame_duck_s: float
    replaced: bool = False

    @property
    def longest_s(self) -> float:
        """The maximum of the time before accepted requests are cut off."""
        return max(self.lame_duck_s, IDLE_CONNECTIONS_S) if self.replaced else self.lame_duck_s


def serving_deadline_s(lame_duck_s: float, requests_s: float) -> float:
    """Return how long it may take to stop serving when accepted requests get `requests_s` seconds."""
    return max(lame_duck_s, IDLE_CONNECTIONS_S) + requests_s + 2 * CUT_OFF_S + 0.5


@asynccontextmanager
async def serving(
    app: web.Application,
    listener: socket,
    in_flight: InFlight,
    requests_s: float,
    *,
    departure: Departure,
    connection_limits: ConnectionLimits,
    on_stop: Callable[[], None],
    on_cut_off: Callable[[], None],
) -> AsyncGenerator[None]:
    """Serve `app` until the context closes.

    Then `departure` says how long connections are still accepted. After that `on_stop` is called, and accepted
    requests get `requests_s` seconds. `on_cut_off` is called if some did not finish.
    """
    connections = OpenConnections(max_connections())
    runner = Runner(
        app,
        access_log=None,
        handle_signals=False,
        connection_limits=connection_limits,
        open_connections=connections,
        keepalive_timeout=KEEP_ALIVE_S,
        shutdown_timeout=CUT_OFF_S,
    )
    try:
        await runner.setup()
        site = web.SockSite(runner, listener, backlog=BACKLOG)
        await site.start()
        yield
        if not departure.replaced:
            await asyncio.sleep(departure.lame_duck_s)
        await site.stop()
        on_stop()
        if departure.replaced:
            await _is_true(lambda: connections.count == 0, departure.longest_s)
        if not await _is_true(lambda: in_flight.requests == 0, requests_s, ON_THE_WAY_S):
            on_cut_off()
            log.error("requests_cut_off", requests=in_flight.requests)
    finally:
        await runner.cleanup()


async def _is_true(condition: Callable[[], bool], timeout_s: float, at_least_s: float = 0.0) -> bool:
    """Wait until the condition holds, `at_least_s` seconds. Return False after `timeout_s`."""
    began = time.monotonic()
    while (waited_s := time.monotonic() - began) < timeout_s:
        if condition() and waited_s >= at_least_s:
            return True
        await asyncio.sleep(DRAIN_POLL_S)
    return False
