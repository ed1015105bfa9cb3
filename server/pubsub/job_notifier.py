"""Rings for the jobs that were just committed: gathered for a moment, sent to the streams in one pipeline a queue.

A ring that is lost is no job that is lost: the dispatcher finds the row.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from server.errors import Unavailable
from server.pubsub.broker import QueueBroker
from server.pubsub.streams import Priority

MAX_WAITING = 10_000


class JobSignal(Protocol):
    """What there is to know of a job that should be run."""

    @property
    def queue(self) -> str: ...
    @property
    def job_id(self) -> int: ...
    @property
    def priority(self) -> int: ...


class JobNotifier:
    """`ring` returns at once; `run` sends, and is to be supervised."""

    def __init__(self, brokers: Mapping[str, QueueBroker]) -> None:
        self._brokers = brokers
        self._waiting: list[JobSignal] = []
        self._rung = asyncio.Event()

    def ring(self, rungs: Sequence[JobSignal]) -> None:
        """Take note of jobs to ring for; what is over the bound is left to the dispatcher."""
        self._waiting += rungs[: MAX_WAITING - len(self._waiting)]
        self._rung.set()

    async def run(self) -> None:
        """Send what is rung, in batches, until cancelled."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            await self.flush()

    async def flush(self) -> None:
        """Send what waits now."""
        waiting, self._waiting = self._waiting, []
        for name, broker in self._brokers.items():
            bells = [(bell.job_id, _priority(bell)) for bell in waiting if bell.queue == name]
            if bells:
                # When Redis is away the dispatcher finds the rows, and the listeners report the outage once.
                with suppress(Unavailable):
                    await broker.ring(bells)

    async def depth(self, name: str) -> int:
        """Messages of a queue that nobody has taken yet. Raises Unavailable."""
        return sum((await self._brokers[name].depth()).values())

    async def garbage(self, name: str) -> int:
        """Messages of a queue that rang for no job and are kept aside. Raises Unavailable."""
        return await self._brokers[name].garbage()


def _priority(bell: JobSignal) -> Priority:
    return Priority.HIGH if bell.priority > 0 else Priority.NORMAL
