"""Closes the SSE streams of revoked sessions whose revocation message was lost."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from server.errors import Unavailable
from server.ids import SessionId
from server.outages import Outage
from server.pubsub.hub import Hub

POLL_S = 2.0
# A revocation becomes visible at its commit but carries the time of its statement. A stream may also have checked its
# session just before it could receive the message.
OVERLAP_S = 15.0


class RevocationPoller:
    """Reads recent revocations every `poll_s`, in one query for all streams, and none while there are no streams."""

    def __init__(
        self,
        hub: Hub,
        revoked_lately: Callable[[float], Awaitable[frozenset[SessionId]]],
        *,
        poll_s: float = POLL_S,
        outage: Outage | None = None,
    ) -> None:
        """`revoked_lately` returns the sessions that were revoked within the given number of seconds."""
        self._hub = hub
        self._revoked_lately = revoked_lately
        self._poll_s = poll_s
        self._outage = outage or Outage("database", by="revocation poller")
        self._polled_at = time.monotonic()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                await self.poll()
            except Unavailable as error:
                self._outage.failed(error)

    async def poll(self) -> None:
        """Close the streams of sessions that were revoked since the last successful poll. Raises Unavailable."""
        began = time.monotonic()
        if self._hub.stream_count:
            revoked = await self._revoked_lately(began - self._polled_at + OVERLAP_S)
            self._outage.succeeded()
            if revoked:
                self._hub.end_sessions(revoked)
        self._polled_at = began
