"""The size, age and throughput of each queue."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from server.errors import Unavailable
from server.metrics import QueueSize
from server.models.jobs.jobs import JobState
from server.models.jobs.queue_statistics import MINUTE_MS, QueueStatisticsRepository, StateCount
from server.services.jobs.event_jobs import Queue
from server.services.jobs.queue_states import QueueStates


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """A queue's settings: jobs per second over all processes (0: unlimited), completed rows kept."""

    rate_per_s: float = 0.0
    keep_completed: int = 0


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One queue at one moment. `waiting` jobs are due, `delayed` ones are not yet.

    The rates are those of the last minute; `failed_per_minute` counts jobs that failed for good, not attempts.
    `rejected_messages` is None while Redis is unavailable.
    """

    queue: Queue
    paused_at_ms: int | None
    waiting: int
    delayed: int
    running: int
    completed: int
    failed: int
    oldest_waiting_s: float
    completed_per_minute: float
    failed_per_minute: float
    rate_per_s: float
    rejected_messages: int | None

    @property
    def size(self) -> QueueSize:
        """The figures for the metrics."""
        jobs = {
            "waiting": self.waiting,
            "delayed": self.delayed,
            "running": self.running,
            "completed": self.completed,
            "dead": self.failed,
        }
        return QueueSize(self.queue, jobs, self.oldest_waiting_s, self.paused_at_ms is not None)


class QueueOverview:
    """Reads the status of all queues."""

    def __init__(
        self,
        statistics: QueueStatisticsRepository,
        states: QueueStates,
        limits: Mapping[Queue, QueueLimits],
        count_rejected: Callable[[str], Awaitable[int]] | None = None,
    ) -> None:
        """`count_rejected` returns the number of a queue's rejected messages, or raises Unavailable."""
        self._statistics = statistics
        self._states = states
        self._limits = limits
        self._count_rejected = count_rejected

    async def read(self) -> list[QueueStatus]:
        """Return every queue, in a fixed order. Raises Unavailable."""
        by_queue: dict[str, dict[str, StateCount]] = {}
        for count in await self._statistics.count_by_state():
            by_queue.setdefault(count.queue, {})[count.state] = count
        pauses = await self._states.pauses()
        return [await self._status(queue, by_queue.get(queue, {}), pauses[queue]) for queue in Queue]

    async def expire(self) -> None:
        """Do nothing: the jobs are counted at each call."""

    async def _status(
        self, queue: Queue, by_state: Mapping[str, StateCount], paused_at_ms: int | None
    ) -> QueueStatus:
        jobs = {state: by_state[state].jobs if state in by_state else 0 for state in JobState}
        ready = by_state.get(JobState.READY)
        later = ready.later if ready else 0
        limits = self._limits.get(queue, QueueLimits())
        return QueueStatus(
            queue=queue,
            paused_at_ms=paused_at_ms,
            waiting=jobs[JobState.READY] - later,
            delayed=later,
            running=jobs[JobState.RUNNING],
            completed=jobs[JobState.COMPLETED],
            failed=jobs[JobState.DEAD],
            oldest_waiting_s=max(0, ready.now_ms - ready.oldest_ms) / 1000 if ready else 0.0,
            completed_per_minute=await self._rate(queue, JobState.COMPLETED, limits.keep_completed),
            failed_per_minute=await self._rate(queue, JobState.DEAD, 0),
            rate_per_s=limits.rate_per_s,
            rejected_messages=await self._rejected_messages(queue),
        )

    async def _rate(self, queue: Queue, state: JobState, kept: int) -> float:
        """Return the jobs per minute that entered `state`.

        If only the newest `kept` rows are left and all are younger than a minute, extrapolate from their time span.
        """
        recent = await self._statistics.count_finished_lately(queue, state)
        if not kept or recent.jobs < kept or await self._statistics.has_finished_earlier(queue, state):
            return float(recent.jobs)
        return round(recent.jobs * MINUTE_MS / max(1, recent.span_ms), 1)

    async def _rejected_messages(self, queue: Queue) -> int | None:
        if self._count_rejected is None:
            return None
        try:
            return await self._count_rejected(queue)
        except Unavailable:
            return None
