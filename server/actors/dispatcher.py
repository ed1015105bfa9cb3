"""Signals every job that is due and not running: delayed, retried or orphaned ones, and those whose signal was lost.

It also inserts recurring jobs when they are due.
"""

import asyncio
import random
import time

import structlog

from server.errors import Unavailable
from server.outages import Outage
from server.pubsub.job_notifier import JobNotifier
from server.pubsub.leader_lease import LeaderLease
from server.services.jobs.claims import JobRef
from server.services.jobs.event_jobs import Queue
from server.services.jobs.jobs import Jobs
from server.services.jobs.queue_states import QueueStates
from server.services.jobs.schedules import Schedules

log = structlog.get_logger(__name__)

REPEAT_S = 5.0
REPEAT_IF_EMPTY_S = 1.0
BUSY = "busy"
# Leases last for many polls, and periods of recurring jobs for minutes.
POLLS_PER_UPKEEP = 4


class Dispatcher:
    """Polls the jobs table every `poll_s`, in one process of several at a time.

    After a database outage it waits `lease_s` before it reclaims jobs, because their workers could not renew leases.
    """

    def __init__(
        self,
        jobs: Jobs,
        notifier: JobNotifier,
        poll_s: float,
        lease_s: float,
        *,
        states: QueueStates | None = None,
        schedules: Schedules | None = None,
        leader: LeaderLease | None = None,
        database: Outage | None = None,
    ) -> None:
        """`states` knows which queues are paused; `database` records outages, also those that others notice.

        `leader` lets one of several dispatchers poll, so that a job is not signalled once per process.
        """
        self._jobs = jobs
        self._notifier = notifier
        self._poll_s = poll_s
        self._lease_s = lease_s
        self._states = states
        self._schedules = schedules
        self._leader = leader
        self._outage = database or Outage("database")
        self._notified_at: dict[JobRef, float] = {}
        self._reclaim_from = 0.0
        self._upkeep_from = 0.0

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.poll()
                self._outage.succeeded()
            except Unavailable as error:
                if error.code != BUSY:  # a deadlock is not an outage
                    self._outage.failed(error)
                    self._reclaim_from = time.monotonic() + self._lease_s
            # Jitter, so that processes do not signal the same jobs at the same moment.
            await asyncio.sleep(self._poll_s * random.uniform(0.75, 1.25))

    async def poll(self) -> None:
        """Signal due jobs; every few polls reclaim orphaned ones, and insert recurring ones. Raises Unavailable.

        Without the lease, nothing is read.
        """
        now = time.monotonic()
        if self._outage.is_ongoing:
            self._reclaim_from = now + self._lease_s
            await self._jobs.due(limit=1)  # raises: a process without the database must not extend the lease
        if self._leader is not None and not await self._leader.acquire():
            return
        if now >= self._upkeep_from:
            await self._keep_up(now)
            self._upkeep_from = now + POLLS_PER_UPKEEP * self._poll_s
        await self._notify(await self._due(), now)

    async def _keep_up(self, now: float) -> None:
        if now >= self._reclaim_from:
            reclaimed = await self._jobs.reclaim()
            if reclaimed:
                log.warning("jobs_reclaimed", jobs=reclaimed)
        if self._schedules is not None:
            await self._schedules.enqueue()

    async def _due(self) -> list[JobRef]:
        paused = await self._states.paused() if self._states else frozenset[Queue]()
        return await self._jobs.due([queue for queue in Queue if queue not in paused])

    async def _notify(self, due: list[JobRef], now: float) -> None:
        """Signal jobs whose signal seems to be lost.

        A stream with at least as many messages as the queue has due jobs holds their signals, so nothing is added. A
        job without a message may be held by a worker that waits for the rate limit, so it is not signalled at every
        poll. It is signalled at once if it failed in the meantime and is due for another attempt.
        """
        self._notified_at = {job: at for job, at in self._notified_at.items() if now - at < REPEAT_S}
        unsignalled: list[JobRef] = []
        for queue in {job.queue for job in due}:
            jobs = [job for job in due if job.queue == queue]
            try:
                depth = await self._notifier.depth(queue)
            except Unavailable:
                depth = 0  # the signals will reach the workers of this process
            if depth >= len(jobs):
                continue
            repeat_s = REPEAT_S if depth else REPEAT_IF_EMPTY_S
            unsignalled += [job for job in jobs if now - self._notified_at.get(job, -repeat_s) >= repeat_s]
        if unsignalled:
            self._notified_at |= dict.fromkeys(unsignalled, now)
            self._notifier.notify(unsignalled)
