"""Supervision of long-lived tasks: starts them, restarts crashed ones with backoff, and stops them."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from server.metrics import Metrics

log = structlog.get_logger(__name__)

FIRST_BACKOFF_S = 0.2
MAX_BACKOFF_S = 30.0
BACKOFF_RESET_AFTER_S = 60.0


@dataclass(slots=True)
class SupervisedTask:
    """A long-lived task and its state."""

    name: str
    run: Callable[[], Awaitable[None]]
    state: str = "starting"
    restarts: int = 0
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Owns the tasks of this process's actors."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.actors: list[SupervisedTask] = []

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> SupervisedTask:
        """Run `run` in a task, and again whenever it raises, until it returns."""
        actor = SupervisedTask(name, run)
        self.actors.append(actor)
        actor.task = asyncio.create_task(self._keep_alive(actor), name=f"actor:{name}")
        return actor

    @asynccontextmanager
    async def running(self, name: str, run: Callable[[], Awaitable[None]]) -> AsyncGenerator[SupervisedTask]:
        """Run `run` as a supervised task for as long as the context is open."""
        task = self.start(name, run)
        try:
            yield task
        finally:
            await self.stop(task)

    async def stop(self, *actors: SupervisedTask) -> None:
        """Cancel these actors and wait until they have ended."""
        tasks = [actor.task for actor in actors if actor.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _set_state(self, actor: SupervisedTask, state: str) -> None:
        actor.state = state
        self._metrics.set_actor_state(actor.name, state)

    async def _keep_alive(self, actor: SupervisedTask) -> None:
        backoff_s = FIRST_BACKOFF_S
        try:
            while True:
                began = time.monotonic()
                try:
                    self._set_state(actor, "running")
                    await actor.run()
                    return
                except Exception as error:
                    if time.monotonic() - began > BACKOFF_RESET_AFTER_S:
                        backoff_s = FIRST_BACKOFF_S
                    self._set_state(actor, "restarting")
                    actor.restarts += 1
                    log.exception(
                        "actor_crashed", actor=actor.name, error=str(error), restart_in_s=round(backoff_s, 1)
                    )
                    await asyncio.sleep(backoff_s * random.uniform(0.5, 1.0))
                    backoff_s = min(MAX_BACKOFF_S, backoff_s * 2)
        finally:
            self._set_state(actor, "stopped")
