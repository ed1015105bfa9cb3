"""The figures of all queues, computed in one place for the whole installation.

Counting reads the index of table `jobs` once: a third of a second for a million jobs. One process does that, at most
every five seconds; the metrics, the console and `GET /queues` of every process read the result.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import orjson

from server.clock import Clock
from server.errors import Unavailable
from server.gateways.redis.error_replies import ReplyError
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.queue_history import QueueHistory
from server.gateways.redis.shared_value import SharedValue
from server.services.jobs.event_jobs import Queue
from server.services.jobs.queue_overview import QueueOverview, QueueStatus
from server.services.jobs.queue_states import QueueStates

# While no worker process refreshes the figures, readers do, after so many periods.
MAX_MISSED = 3


@dataclass(frozen=True, slots=True)
class QueueMinute:
    """The figures of one queue in one minute."""

    at_ms: int
    unfinished: int
    completed: float
    failed: float


class QueueFigures:
    """Reads the status of all queues, counted every `every_s`. Whether a queue is paused is always current."""

    def __init__(
        self,
        overview: QueueOverview,
        states: QueueStates,
        redis: PipelinedRedis,
        clock: Clock,
        every_s: float = 5.0,
    ) -> None:
        self._overview = overview
        self._states = states
        self._history = QueueHistory(redis)
        self._clock = clock
        self._every_s = every_s
        self._shared = SharedValue(
            redis,
            "queues",
            self._compute,
            orjson.dumps,
            _load,
            fresh_s=every_s,
            max_age_s=MAX_MISSED * every_s,
        )

    async def read(self) -> list[QueueStatus]:
        """Return every queue, in a fixed order. Raises Unavailable."""
        statuses, pauses = await asyncio.gather(self._shared.get(), self._states.pauses())
        return [replace(status, paused_at_ms=pauses[status.queue]) for status in statuses]

    async def expire(self) -> None:
        """Count again at the next read, because jobs were changed by hand."""
        await self._shared.expire()

    async def history(self) -> dict[Queue, list[QueueMinute]]:
        """Return the minutes of the last hour by queue, oldest first; those without figures are missing."""
        try:
            minutes = await self._history.read(self._clock.now_ms())
        except (Unavailable, ReplyError):
            minutes = []
        return {
            queue: [_minute(at_ms, figures[queue]) for at_ms, figures in minutes if queue in figures]
            for queue in Queue
        }

    async def run(self) -> None:
        """Keep the figures fresh until cancelled."""
        while True:
            with suppress(Unavailable, ReplyError):
                await self._shared.refresh()
            await asyncio.sleep(self._every_s)

    async def _compute(self) -> list[QueueStatus]:
        statuses = await self._overview.read()
        figures = {
            str(status.queue): (
                status.waiting + status.running,
                status.completed_per_minute,
                status.failed_per_minute,
            )
            for status in statuses
        }
        with suppress(Unavailable, ReplyError):
            await self._history.record(self._clock.now_ms(), figures)
        return statuses


def _load(stored: bytes) -> list[QueueStatus]:
    loaded: list[dict[str, Any]] = orjson.loads(stored)
    statuses = [QueueStatus(queue=Queue(members.pop("queue")), **members) for members in loaded]
    if [status.queue for status in statuses] != list(Queue):
        raise ValueError("another version stored the figures")
    return statuses


def _minute(at_ms: int, figures: Sequence[float]) -> QueueMinute:
    unfinished, completed, failed = figures
    return QueueMinute(at_ms, int(unfinished), completed, failed)
