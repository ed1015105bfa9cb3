"""Cached and batched reads of queue and job states for workers and dispatchers."""

import asyncio
import time
from collections.abc import Sequence

from server.batching import BatchingQueue
from server.errors import Unavailable
from server.models.jobs.jobs import JobRepository
from server.models.jobs.queue_states import QueueStateRepository
from server.services.jobs.event_jobs import Queue

STATES_FRESH_S = 1.0


class QueueStates:
    """Reads the states of queues and jobs for one process, at about one query per second for all callers."""

    def __init__(self, states: QueueStateRepository, jobs: JobRepository) -> None:
        self._states = states
        self._jobs = jobs
        self._paused: frozenset[Queue] = frozenset()
        self._fresh_until = 0.0
        self._refreshing = asyncio.Lock()
        self._readiness = BatchingQueue(self._are_ready)

    async def paused(self) -> frozenset[Queue]:
        """Return the paused queues, at most one second old; the last known ones while the database is unavailable."""
        if time.monotonic() >= self._fresh_until:
            async with self._refreshing:
                if time.monotonic() >= self._fresh_until:
                    await self._refresh()
        return self._paused

    async def is_paused(self, queue: str) -> bool:
        """Return whether a queue is paused; see `paused`."""
        return queue in await self.paused()

    async def is_ready(self, job_id: int) -> bool:
        """Return whether a job is ready, due or not. Simultaneous calls share a query. Raises Unavailable."""
        return await self._readiness.submit(job_id)

    async def pauses(self) -> dict[Queue, int | None]:
        """Return, by queue, since when it has been paused, not cached. Raises Unavailable."""
        pauses = await self._states.get_pauses()
        return {queue: pauses.get(queue) for queue in Queue}

    def expire(self) -> None:
        """Read the paused queues again at the next call."""
        self._fresh_until = 0.0

    async def _refresh(self) -> None:
        try:
            pauses = await self.pauses()
            self._paused = frozenset(queue for queue, paused_at_ms in pauses.items() if paused_at_ms)
        except Unavailable:
            pass
        self._fresh_until = time.monotonic() + STATES_FRESH_S

    async def _are_ready(self, job_ids: Sequence[int]) -> list[bool]:
        ready = await self._jobs.list_ready(job_ids)
        return [job_id in ready for job_id in job_ids]
