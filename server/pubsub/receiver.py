"""Runs the jobs that a queue's broker receives, with bounded concurrency, and drains them on shutdown.

It owns the tasks that run jobs. `run_job` decides what a job does and what happens when it fails.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import structlog
from taskiq.receiver import Receiver

from server.pubsub.broker import QueueBroker

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

CANCEL_GRACE_S = 1.0


class QueueReceiver:
    """Runs up to `concurrency` jobs of the broker's queue at once.

    `run_job` receives a job id and handles its own errors. It may be called twice for a job, or for a finished one.
    """

    def __init__(
        self,
        broker: QueueBroker,
        run_job: Callable[[int], Awaitable[None]],
        concurrency: int,
        drain_timeout_s: float,
    ) -> None:
        self._broker = broker
        self._run_job = run_job
        self._concurrency = concurrency
        self._drain_timeout_s = drain_timeout_s
        self._finish = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopped.set()
        self._jobs: dict[asyncio.Task[None], asyncio.Task[None]] = {}
        self._cancelled = 0

    @property
    def running(self) -> int:
        """The number of running jobs."""
        return len(self._jobs)

    async def run(self) -> None:
        """Receive until `drain` is called. May run again after a crash, but not twice at once.

        When cancelled, it cancels the running jobs and awaits them.
        """
        self._stopped.clear()
        # Taskiq logs a line per job at INFO; `run_job` logs what is needed.
        logging.getLogger("taskiq.receiver").setLevel(logging.WARNING)
        receiver = Receiver(
            self._broker,
            max_async_tasks=self._concurrency,
            max_prefetch=0,
            wait_tasks_timeout=self._drain_timeout_s,
            run_startup=False,
            validate_params=False,  # the broker rejects everything but one job id
        )
        self._broker.set_handler(self._handle)
        try:
            await receiver.listen(self._finish)
        finally:
            self._broker.set_handler(_leave_to_dispatcher)
            try:
                self._cancelled = await self._cancel_jobs()
            finally:
                self._stopped.set()

    async def drain(self) -> int:
        """Stop receiving and cancel jobs that still run after `drain_timeout_s`. Return how many were cancelled.

        Messages that were not started stay in their streams or return to them. Returns when `run` has ended.
        """
        self._finish.set()
        await self._stopped.wait()
        return self._cancelled

    async def _handle(self, job_id: int) -> None:
        # Each job runs in its own task. It can be cancelled, while Taskiq, which logs a CancelledError with its
        # traceback and swallows it, sees an ordinary return.
        callback = asyncio.current_task()
        assert callback is not None
        job = self._jobs[callback] = asyncio.ensure_future(self._run_job(job_id))
        callback.add_done_callback(self._jobs.pop)
        await asyncio.wait({job})
        if not job.cancelled() and (error := job.exception()):
            log.error("job_raised", queue=self._broker.name, job_id=job_id, exc_info=error)

    async def _cancel_jobs(self) -> int:
        unfinished = [job for job in self._jobs.values() if not job.done()]
        for job in unfinished:
            job.cancel()
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=CANCEL_GRACE_S)
        if unfinished:
            log.warning("jobs_cancelled", queue=self._broker.name, jobs=len(unfinished))
        return len(unfinished)


async def _leave_to_dispatcher(job_id: int) -> None:
    """Ignore a message that Taskiq held when it was cancelled; the dispatcher signals its job again."""
