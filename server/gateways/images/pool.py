"""A bounded pool of image workers, which start on demand and stop when idle."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from server.gateways.images.refusals import processing_unavailable, unprocessable
from server.gateways.images.slots import WorkerSlots
from server.gateways.images.worker_process import ImageWorker
from server.metrics import Metrics

log = structlog.get_logger(__name__)

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 2.0
LOWEST_PRIORITY = 19  # of `nice`


class ImageWorkerPool:
    """Runs at most `size` requests at once, and lets at most `max_waiting` others wait.

    The last worker stays for the next request: starting one takes 0.2 s of CPU time. In a `background` pool it does
    not, and workers get only the CPU time that other processes leave.
    """

    def __init__(
        self,
        size: int,
        max_waiting: int,
        timeout_s: float,
        idle_s: float,
        memory_bytes: int,
        *,
        background: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._memory_bytes = memory_bytes
        self._background = background
        self._slots = slots = WorkerSlots(size, max_waiting)
        self._metrics = metrics or Metrics()
        self._name = "background" if background else "uploads"
        self._metrics.watch_image_queue(
            self._name, {"running": lambda: slots.running, "waiting": lambda: slots.waiting}
        )
        self._workers: set[ImageWorker] = set()
        self._idle: dict[ImageWorker, asyncio.TimerHandle] = {}
        self._stopping = False
        self._abandoned = False
        self._warned = False

    async def run(
        self, request: Mapping[str, Any], source: Path, owner: int | None
    ) -> tuple[dict[str, Any], bytes]:
        """Return a worker's answer and what follows it; cancelling kills the worker.

        Raises Unavailable when too many requests wait, the source cannot be opened or no worker starts, and
        InvalidInput when the worker fails.
        """
        asked = time.perf_counter()
        async with self._slots.slot(owner, self._timeout_s):
            waited_s = time.perf_counter() - asked
            try:
                # Opened here, because the worker cannot open files.
                file = os.open(source, os.O_RDONLY)
            except OSError as error:
                log.warning("image_source_missing", error=repr(error))
                raise processing_unavailable() from error
            try:
                return await self._ask(await self._ready_worker(), request, file)
            finally:
                os.close(file)
                self._metrics.observe_image(self._name, waited_s, time.perf_counter() - asked)

    def abandon(self) -> None:
        """Kill the workers: running and later requests raise Unavailable."""
        self._abandoned = True
        for worker in self._workers:
            worker.send_kill()

    async def stop(self) -> None:
        """Finish running requests, reject waiting ones, then stop the workers; cancelling kills them."""
        if self._stopping:
            return
        self._stopping = True
        try:
            await self._slots.close()
            await self._stop_workers()
        finally:
            for worker, timer in self._idle.items():
                timer.cancel()
                worker.close()
            self._idle.clear()
            for worker in self._workers:
                worker.send_kill()  # a running request closes the socket when it sees the end

    async def _stop_workers(self) -> None:
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                for worker in self._workers:
                    worker.close()
                    await worker.wait()
        except TimeoutError:
            log.warning("image_worker_did_not_stop")
            await asyncio.gather(*(worker.kill() for worker in self._workers))

    async def _ask(
        self, worker: ImageWorker, request: Mapping[str, Any], file: int
    ) -> tuple[dict[str, Any], bytes]:
        """Return the worker's answer. A worker that failed is never used again."""
        reusable = False
        try:
            if self._abandoned:
                raise processing_unavailable()
            async with asyncio.timeout(self._timeout_s):
                answer, contents = await worker.ask(request, file)
            # A leak may have filled the memory; the next picture must not fail because of it.
            reusable = answer.get("refused") != "memory"
            return answer, contents
        except TimeoutError as error:
            log.warning("image_timed_out", timeout_s=self._timeout_s)
            raise unprocessable() from error
        except (OSError, EOFError, ValueError, LookupError, TypeError) as error:
            exit_code = await worker.kill()
            if self._abandoned:
                raise processing_unavailable() from error
            log.warning("image_worker_failed", error=repr(error), exit_code=exit_code)
            raise unprocessable() from error
        finally:
            if reusable:
                self._keep_idle(worker)
            else:
                await worker.kill()
                self._workers.discard(worker)

    async def _ready_worker(self) -> ImageWorker:
        """Return the worker that became idle last, or a new one."""
        while self._idle:
            worker, timer = self._idle.popitem()
            timer.cancel()
            if worker.alive:
                return worker
            self._workers.discard(worker)
            worker.close()
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                worker = await ImageWorker.start(
                    self._memory_bytes, LOWEST_PRIORITY if self._background else 0
                )
        except (OSError, EOFError, ValueError, LookupError, TypeError, TimeoutError) as error:
            log.error("image_worker_start_failed", error=repr(error))
            raise processing_unavailable() from error
        log.info("image_worker_started", pid=worker.pid)
        if worker.unprotected and not self._warned:
            log.warning("image_worker_unprotected", missing=worker.unprotected)
            self._warned = True
        self._workers.add(worker)
        return worker

    def _keep_idle(self, worker: ImageWorker) -> None:
        loop = asyncio.get_running_loop()
        self._idle[worker] = loop.call_later(self._idle_s, self._stop_idle, worker)

    def _stop_idle(self, worker: ImageWorker) -> None:
        """Stop an idle worker, so that an idle server holds the memory of one of a pool at most."""
        del self._idle[worker]
        if len(self._workers) == 1 and not self._background:
            self._keep_idle(worker)
            return
        self._workers.discard(worker)
        worker.close()
        log.info("image_worker_stopped", pid=worker.pid)
