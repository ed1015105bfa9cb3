"""Ends the streams of sessions that were ended, here or elsewhere, when the signal that says so was not heard."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from server.errors import Unavailable
from server.ids import SessionId
from server.outages import Outage
from server.pubsub.hub import Hub

LOOK_S = 2.0
# A revocation is seen when it is committed, and carries the time of its statement; and a stream may have asked whether
# its session stands a moment before it could be told that it does not.
OVERLAP_S = 15.0


class RevocationPoller:
    """One question for all streams of the process, every `look_s`, and none while there are no streams."""

    def __init__(
        self,
        hub: Hub,
        revoked_lately: Callable[[float], Awaitable[frozenset[SessionId]]],
        *,
        look_s: float = LOOK_S,
        outage: Outage | None = None,
    ) -> None:
        """`revoked_lately` gives the sessions that were revoked within the last so many seconds."""
        self._hub = hub
        self._revoked_lately = revoked_lately
        self._look_s = look_s
        self._outage = outage or Outage("database", by="session watch")
        self._looked_at = time.monotonic()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._look_s)
            try:
                await self.look()
            except Unavailable as error:
                self._outage.failed(error)

    async def look(self) -> None:
        """End the streams of what was revoked since the last look that was answered. Raises Unavailable."""
        began = time.monotonic()
        if self._hub.stream_count:
            revoked = await self._revoked_lately(began - self._looked_at + OVERLAP_S)
            self._outage.succeeded()
            if revoked:
                self._hub.end_sessions(revoked)
        self._looked_at = began
