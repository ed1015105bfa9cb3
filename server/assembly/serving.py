"""An application on its port: connections are taken until it is closed, and what was accepted is finished."""

import asyncio
import time
from collections.abc import Callable
from socket import socket

import structlog
from aiohttp import web

from server.assembly.shutdown import CLOSE_S
from server.handlers.http.malformed_requests import Runner
from server.handlers.http.middleware import InFlight

log = structlog.get_logger(__name__)

KEEP_ALIVE_S = 20.0
# For the rest of a body that was refused, lest the client should be cut off before it reads why.
LINGER_S = 2.0
LAME_DUCK_S = 0.3
BACKLOG = 1024


class Serving:
    def __init__(self, app: web.Application, in_flight: InFlight, requests_s: float) -> None:
        """At the end the requests that were accepted have `requests_s` seconds."""
        self.close_within_s = requests_s + CLOSE_S + 1
        self._in_flight = in_flight
        self._requests_s = requests_s
        self._runner = Runner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=LINGER_S,
            shutdown_timeout=CLOSE_S,
        )
        self._site: web.SockSite

    async def open(self, listener: socket) -> None:
        await self._runner.setup()
        self._site = web.SockSite(self._runner, listener, backlog=BACKLOG)
        await self._site.start()

    async def close(self, on_close: Callable[[], None] = lambda: None) -> bool:
        """Take no more connections, call `on_close`, finish the requests; False if some had to be cut off."""
        await self._site.stop()
        on_close()
        finished = await self._finish_requests()
        await self._runner.cleanup()
        return finished

    async def _finish_requests(self) -> bool:
        """Wait for the requests that were accepted; and a moment for those on their way on an open connection."""
        began = time.monotonic()
        while (waited_s := time.monotonic() - began) < self._requests_s:
            if self._in_flight.requests == 0 and waited_s >= LAME_DUCK_S:
                return True
            await asyncio.sleep(0.02)
        log.error("requests_cut_off", requests=self._in_flight.requests)
        return False
