"""Fault injection: a script that patches the program and then runs `run.py`.

The environment variable FAULTS holds JSON; every member is optional:
- failpoint: {"at": a name of FAILPOINTS, "nth": n}: the process kills itself at the n-th pass
- record: a file; the job kinds of `FaultyJobs` exist and append a line to it at each start
- fixed: with `record`; all of these kinds succeed
- clock_ms: offset of the clock, milliseconds
- write_timeout_s: how long a stream waits for a client that does not read
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).parents[2]))

import run
from server.assembly import actors, collaborators
from server.clock import SystemClock
from server.handlers.http import middleware
from server.handlers.notifications.stream import NotificationStream
from server.pubsub.broker import QueueBroker
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Failpoint:
    def __init__(self, nth: int) -> None:
        self._left = nth

    def reached(self) -> None:
        self._left -= 1
        if self._left == 0:
            kill()


def before_commit(point: Failpoint) -> None:
    """Kill after all writes, jobs included, and before the commit."""
    add = Jobs.add

    async def adding(self: Jobs, *arguments: Any) -> list[Any]:
        rungs = await add(self, *arguments)
        if rungs:
            point.reached()
        return rungs

    Jobs.add = adding  # type: ignore[method-assign]


def after_commit(point: Failpoint) -> None:
    """Kill after the commit, before workers are notified."""
    create = UnitOfWork.__init__

    def creating(self: UnitOfWork, *arguments: Any) -> None:
        database, ids, clock, jobs, notify, *rest = arguments

        def notifying(due: Sequence[Any]) -> None:
            point.reached()
            notify(due)

        create(self, database, ids, clock, jobs, notifying, *rest)

    UnitOfWork.__init__ = creating  # type: ignore[method-assign]


def after_notify(point: Failpoint) -> None:
    """Kill after the job signals are in the streams."""
    ring = QueueBroker.notify

    async def ringing(self: QueueBroker, bells: Any) -> None:
        await ring(self, bells)
        point.reached()

    QueueBroker.notify = ringing  # type: ignore[method-assign]


def before_response(point: Failpoint) -> None:
    """Kill after the work, before the response."""
    answer = middleware._respond

    async def answering(request: Any, handler: Any) -> Any:
        response = await answer(request, handler)
        if request.method == "POST" and response.status < 300:
            point.reached()
        return response

    middleware._respond = answering


FAILPOINTS: dict[str, Callable[[Failpoint], None]] = {
    each.__name__: each for each in (before_commit, after_commit, after_notify, before_response)
}


class FaultyJobs:
    """Job kinds that misbehave. `jobs` is the program's own queue."""

    def __init__(self, jobs: Jobs, record: Path) -> None:
        self._jobs = jobs
        self._record = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def handlers(self) -> dict[str, Callable[[Claim], Awaitable[None]]]:
        """Return handlers by kind. Only a fixed program knows `chaos.unknown`."""
        return {
            "chaos.note": self.note,
            "chaos.sleep": self.sleep,
            "chaos.raise": self.fail,
            "chaos.raise_once": self.fail_once,
            "chaos.kill_process": self.kill_process,
        }

    def mended(self) -> dict[str, Callable[[Claim], Awaitable[None]]]:
        return dict.fromkeys([*self.handlers(), "chaos.unknown"], self.note)

    async def note(self, claim: Claim) -> None:
        await self._write(claim)
        await self._jobs.finish(claim)

    async def sleep(self, claim: Claim) -> None:
        await self._write(claim)
        await asyncio.sleep(claim.payload["ms"] / 1000)
        await self._jobs.finish(claim)

    async def fail(self, claim: Claim) -> None:
        await self._write(claim)
        raise RuntimeError("it always fails")

    async def fail_once(self, claim: Claim) -> None:
        await self._write(claim)
        if claim.attempts == 1:
            raise RuntimeError("fails the first time")
        await self._jobs.finish(claim)

    async def kill_process(self, claim: Claim) -> None:
        await self._write(claim)
        kill()

    async def _write(self, claim: Claim) -> None:
        database = self._jobs._leases._database
        (row,) = await database.rows(
            f"SELECT run_at_ms, {database.now_ms} AS now_ms FROM jobs WHERE id = ?", [claim.id]
        )
        line = {"id": claim.id, "kind": claim.kind, "attempt": claim.attempts, "pid": os.getpid(), **row}
        os.write(self._record, orjson.dumps(line) + b"\n")


def add_kinds(record: Path, *, mended: bool) -> None:
    made: list[Jobs] = []
    make_jobs, make_handlers = collaborators.build_jobs, actors._handlers

    def jobs(*arguments: Any, **named: Any) -> Jobs:
        made.append(make_jobs(*arguments, **named))
        return made[-1]

    def handlers(*arguments: Any, **named: Any) -> Any:
        kinds = FaultyJobs(made[-1], record)
        return {**make_handlers(*arguments, **named), **(kinds.mended() if mended else kinds.handlers())}

    collaborators.build_jobs, actors._handlers = jobs, handlers


def shift_clock(by_ms: int) -> None:
    now_ms = SystemClock.now_ms
    SystemClock.now_ms = lambda self: now_ms(self) + by_ms  # type: ignore[method-assign]


def set_write_timeout(write_timeout_s: float) -> None:
    defaults = NotificationStream.__init__.__kwdefaults__
    assert defaults is not None
    defaults["write_timeout_s"] = write_timeout_s


def inject(orders: dict[str, Any]) -> None:
    if "failpoint" in orders:
        FAILPOINTS[orders["failpoint"]["at"]](Failpoint(orders["failpoint"]["nth"]))
    if "record" in orders:
        add_kinds(Path(orders["record"]), mended=orders.get("mended", False))
    if "clock_ms" in orders:
        shift_clock(orders["clock_ms"])
    if "write_timeout_s" in orders:
        set_write_timeout(orders["write_timeout_s"])


if __name__ == "__main__":
    inject(orjson.loads(os.environ.get("FAULTS", "{}")))
    sys.exit(run.main())
