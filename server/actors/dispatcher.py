"""Rings again for every job that is due and that nobody runs: delayed, retried, orphaned, or rung for in vain."""

import asyncio
import time
from collections.abc import Mapping

import structlog

from server.errors import Unavailable
from server.pubsub.doorbell import Doorbell
from server.services.jobs import Jobs, Rung
from server.services.reactions import Queue

log = structlog.get_logger(__name__)

RING_AGAIN_S = 5.0
PRUNE_EVERY_S = 10.0


class Dispatcher:
    """Looks into the table every `poll_s`. After an outage of the database it lets a lease's time pass before it takes
    jobs back, for their workers could not renew."""

    def __init__(
        self,
        jobs: Jobs,
        doorbell: Doorbell,
        poll_s: float,
        lease_s: float,
        keep_completed: Mapping[Queue, int],
    ) -> None:
        self._jobs = jobs
        self._doorbell = doorbell
        self._poll_s = poll_s
        self._lease_s = lease_s
        self._keep_completed = keep_completed
        self._rung_at: dict[int, float] = {}
        self._reclaim_from = 0.0
        self._prune_at = 0.0

    async def run(self) -> None:
        """Poll until cancelled."""
        away = False
        while True:
            try:
                await self.look()
                if away:
                    log.info("database_back")
                away = False
            except Unavailable as error:
                if not away:
                    log.warning("database_away", error=error.detail)
                away = True
                self._reclaim_from = time.monotonic() + self._lease_s
            await asyncio.sleep(self._poll_s)

    async def look(self) -> None:
        """Take back what was orphaned, ring for what is due, delete what is long done."""
        now = time.monotonic()
        if now >= self._reclaim_from:
            reclaimed = await self._jobs.reclaim()
            if reclaimed:
                log.warning("jobs_reclaimed", jobs=reclaimed)
        await self._ring(await self._jobs.due(), now)
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_EVERY_S
            for queue, keep in self._keep_completed.items():
                await self._jobs.prune(queue, keep)

    async def _ring(self, due: list[Rung], now: float) -> None:
        """Ring for a job when its queue's stream is empty, or when we did not in the last five seconds.

        A stream that holds messages is being worked through, and may well hold this job's.
        """
        depths: dict[Queue, int] = {}
        for queue in {rung.queue for rung in due}:
            try:
                depths[queue] = await self._doorbell.depth(queue)
            except Unavailable:
                depths[queue] = 1
        self._rung_at = {job_id: at for job_id, at in self._rung_at.items() if now - at < RING_AGAIN_S}
        unanswered = [rung for rung in due if depths[rung.queue] == 0 or rung.job_id not in self._rung_at]
        if unanswered:
            self._rung_at |= {rung.job_id: now for rung in unanswered}
            self._doorbell.ring(unanswered)
