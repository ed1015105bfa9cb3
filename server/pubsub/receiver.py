"""Runs the jobs that a queue's broker hears of: so many at once, and each to its end when asked to stop.

Owns the tasks that run jobs. What a job does, and what becomes of one that fails, is `run_job`'s affair.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import structlog
from taskiq.receiver import Receiver

from server.pubsub.broker import QueueBroker

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

CUT_OFF_GRACE_S = 1.0


class QueueReceiver:
    """Runs up to `concurrency` jobs of the broker's queue at once.

    `run_job` gets a job's id, handles its own errors, and bears being called twice or for a job that is done.
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
        self._cut_off = 0

    @property
    def running(self) -> int:
        """Jobs running now."""
        return len(self._jobs)

    async def run(self) -> None:
        """Receive until `drain` is called; may be called again after a crash, not twice at once.

        When cancelled, it cancels the jobs that run and awaits them.
        """
        self._stopped.clear()
        # A line for each job at INFO otherwise; `run_job` logs what is worth a line.
        logging.getLogger("taskiq.receiver").setLevel(logging.WARNING)
        receiver = Receiver(
            self._broker,
            max_async_tasks=self._concurrency,
            max_prefetch=0,
            wait_tasks_timeout=self._drain_timeout_s,
            run_startup=False,
            validate_params=False,  # the broker lets nothing pass but one job id
        )
        self._broker.perform(self._perform)
        try:
            await receiver.listen(self._finish)
        finally:
            self._broker.perform(_leave_to_dispatcher)
            try:
                self._cut_off = await self._cancel_jobs()
            finally:
                self._stopped.set()

    async def drain(self) -> int:
        """Stop receiving; cancel jobs that run for `drain_timeout_s` more. Returns how many were cut off.

        Messages that were not started stay in, or go back to, their streams. Returns when `run` has ended.
        """
        self._finish.set()
        await self._stopped.wait()
        return self._cut_off

    async def _perform(self, job_id: int) -> None:
        # The job gets a task of its own: cut off, it is cancelled like any task, while Taskiq, which would
        # log the CancelledError with its traceback and swallow it, sees an ordinary return.
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
            await asyncio.wait(self._jobs, timeout=CUT_OFF_GRACE_S)
        if unfinished:
            log.warning("jobs_cut_off", queue=self._broker.name, jobs=len(unfinished))
        return len(unfinished)


async def _leave_to_dispatcher(job_id: int) -> None:
    """What becomes of a message that Taskiq had in hand when it was cancelled: its row will be rung again."""
