"""Rings again for every job that is due and that nobody runs: delayed, retried, orphaned, or rung for in vain.

It also puts recurring work into the table when its time has come.
"""

import asyncio
import random
import time

import structlog

from server.errors import Unavailable
from server.outages import Outage
from server.pubsub.job_notifier import JobNotifier
from server.pubsub.leader_lease import LeaderLease
from server.services.jobs.event_jobs import Queue
from server.services.jobs.jobs import JobRef, Jobs
from server.services.jobs.queue_administration import QueueAdministration
from server.services.jobs.schedules import Schedules

log = structlog.get_logger(__name__)

RING_AGAIN_S = 5.0
RING_SOON_AGAIN_S = 1.0
BUSY = "busy"


class Dispatcher:
    """Looks into the table every `poll_s`. After an outage of the database it lets a lease's time pass before it takes
    jobs back, for their workers could not renew."""

    def __init__(
        self,
        jobs: Jobs,
        doorbell: JobNotifier,
        poll_s: float,
        lease_s: float,
        *,
        control: QueueAdministration | None = None,
        schedules: Schedules | None = None,
        turn: LeaderLease | None = None,
        database: Outage | None = None,
    ) -> None:
        """`control` says which queues are paused, `turn` which of several dispatchers rings, lest each job be rung for
        as often as there are processes; `database` is told when the database is away."""
        self._jobs = jobs
        self._doorbell = doorbell
        self._poll_s = poll_s
        self._lease_s = lease_s
        self._control = control
        self._schedules = schedules
        self._turn = turn
        self._outage = database or Outage("database")
        self._rung_at: dict[JobRef, float] = {}
        self._reclaim_from = 0.0

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.look()
                self._outage.succeeded()
            except Unavailable as error:
                if error.code != BUSY:  # a deadlock is no outage
                    self._outage.failed(error)
                    self._reclaim_from = time.monotonic() + self._lease_s
            # Not in step with other processes, which would ring for the same jobs at the same moment.
            await asyncio.sleep(self._poll_s * random.uniform(0.75, 1.25))

    async def look(self) -> None:
        """Take back what was orphaned, add what is scheduled, ring for what is due."""
        now = time.monotonic()
        if now >= self._reclaim_from:
            reclaimed = await self._jobs.reclaim()
            if reclaimed:
                log.warning("jobs_reclaimed", jobs=reclaimed)
        if self._schedules is not None:
            await self._schedules.enqueue()
        if self._turn is None or await self._turn.is_mine():
            await self._ring(await self._due(), now)

    async def _due(self) -> list[JobRef]:
        paused = await self._control.paused() if self._control else frozenset[Queue]()
        return await self._jobs.due([queue for queue in Queue if queue not in paused])

    async def _ring(self, due: list[JobRef], now: float) -> None:
        """Ring for jobs whose ring seems to be lost.

        A stream with as many messages as the queue has jobs that are due is being worked through, and holds theirs:
        ringing again would fill it with messages that say nothing new. What is in no stream may be in the hands of a
        worker that waits for the queue's rate, so it is not rung at every look either; but at once when it failed
        meanwhile and is due for another attempt.
        """
        self._rung_at = {rung: at for rung, at in self._rung_at.items() if now - at < RING_AGAIN_S}
        unanswered: list[JobRef] = []
        for queue in {rung.queue for rung in due}:
            jobs = [rung for rung in due if rung.queue == queue]
            try:
                depth = await self._doorbell.depth(queue)
            except Unavailable:
                continue  # it could not be rung either
            if depth >= len(jobs):
                continue
            again_s = RING_AGAIN_S if depth else RING_SOON_AGAIN_S
            unanswered += [rung for rung in jobs if now - self._rung_at.get(rung, -again_s) >= again_s]
        if unanswered:
            self._rung_at |= dict.fromkeys(unanswered, now)
            self._doorbell.ring(unanswered)
