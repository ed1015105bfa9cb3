"""Signals for jobs that were just committed, collected briefly and sent in one pipeline per queue.

A lost signal does not lose a job: the dispatcher finds its row.
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
    """A job that is due."""

    @property
    def queue(self) -> str: ...
    @property
    def job_id(self) -> int: ...
    @property
    def priority(self) -> int: ...


class JobNotifier:
    """Sends job signals in the background: `notify` returns at once, and a supervised task runs `run`."""

    def __init__(self, brokers: Mapping[str, QueueBroker]) -> None:
        self._brokers = brokers
        self._waiting: list[JobSignal] = []
        self._notified = asyncio.Event()

    def notify(self, jobs: Sequence[JobSignal]) -> None:
        """Schedule signals; those above MAX_WAITING are left to the dispatcher."""
        self._waiting += jobs[: MAX_WAITING - len(self._waiting)]
        self._notified.set()

    async def run(self) -> None:
        """Send scheduled signals in batches until cancelled."""
        while True:
            await self._notified.wait()
            self._notified.clear()
            await self.flush()

    async def flush(self) -> None:
        """Send the signals that are scheduled now."""
        waiting, self._waiting = self._waiting, []
        for name, broker in self._brokers.items():
            signals = [(job.job_id, _priority(job)) for job in waiting if job.queue == name]
            if signals:
                # While Redis is unavailable the workers of this process get the signals, and the listeners report the
                # outage; the dispatcher of a process with workers finds the rows of the others.
                with suppress(Unavailable):
                    await broker.notify(signals)

    async def depth(self, name: str) -> int:
        """Return the number of a queue's messages that no worker has taken. Raises Unavailable."""
        return sum((await self._brokers[name].depth()).values())

    async def count_rejected(self, name: str) -> int:
        """Return the number of a queue's rejected messages. Raises Unavailable."""
        return await self._brokers[name].count_rejected()


def _priority(job: JobSignal) -> Priority:
    return Priority.HIGH if job.priority > 0 else Priority.NORMAL
