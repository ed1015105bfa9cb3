"""The queues as an operator sees and steers them: sizes, rates, dead letters, pause and resume.

Running jobs is `jobs.py`'s; who calls this over HTTP or in a terminal is decided above.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.batching import BatchingQueue
from server.errors import NotFound, Unavailable
from server.ids import JobId
from server.metrics import QueueSize
from server.models.database import Database, DuplicateKey, placeholders, retry_on_deadlock
from server.models.jobs.jobs import JobState
from server.paging import Page, PageRequest, cut
from server.services.jobs.event_jobs import Queue

BATCH = 500
MINUTE_MS = 60_000
STATES_FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What a queue is configured to: jobs a second of all processes (0: any number), completed rows kept."""

    rate_per_s: float = 0.0
    keep_completed: int = 0


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One queue at one moment. `waiting` jobs are due, `delayed` ones are not yet; rates are of the last minute.

    `failed_per_minute` counts jobs that became dead letters, not attempts. `garbage` is how many messages are kept
    aside, None while Redis does not answer.
    """

    queue: Queue
    paused_at_ms: int | None
    waiting: int
    delayed: int
    running: int
    completed: int
    dead: int
    oldest_waiting_s: float
    completed_per_minute: float
    failed_per_minute: float
    rate_per_s: float
    garbage: int | None

    @property
    def size(self) -> QueueSize:
        """The same for the metrics."""
        states = {
            "waiting": self.waiting,
            "delayed": self.delayed,
            "running": self.running,
            "completed": self.completed,
            "dead": self.dead,
        }
        return QueueSize(self.queue, states, self.oldest_waiting_s, self.paused_at_ms is not None)


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up. `history` has an entry a failed attempt, oldest first; `error` is the last one's."""

    id: JobId
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    crash_count: int
    error: str
    history: Sequence[Mapping[str, Any]]
    created_at_ms: int
    failed_at_ms: int


def queue_named(name: str) -> Queue:
    """Raises NotFound, naming the queues that there are."""
    try:
        return Queue(name)
    except ValueError as error:
        names = ", ".join(Queue)
        raise NotFound(
            f"There is no queue of this name; there are: {names}.", code="no_such_queue"
        ) from error


class QueueAdministration:
    """`garbage` tells how many messages of a queue are kept aside, or raises Unavailable."""

    def __init__(
        self,
        database: Database,
        limits: Mapping[Queue, QueueLimits],
        garbage: Callable[[str], Awaitable[int]] | None = None,
    ) -> None:
        self._database = database
        self._limits = limits
        self._garbage = garbage
        self._paused: frozenset[Queue] = frozenset()
        self._fresh_until = 0.0
        self._refreshing = asyncio.Lock()
        self._readiness = BatchingQueue(self._which_are_ready)

    async def overview(self) -> list[QueueStatus]:
        """Every queue, in a fixed order. Raises Unavailable."""
        now_ms, sizes = await self._sizes()
        switches = await self._switches()
        return [
            await self._status(queue, now_ms, sizes.get(queue, {}), switches.get(queue)) for queue in Queue
        ]

    async def failed(self, queue: Queue, request: PageRequest) -> Page[FailedJob]:
        """Dead letters of a queue, those of the newest jobs first."""
        rows = await self._database.rows(
            "SELECT id, kind, payload, attempts, crash_count, history, created_at_ms, finished_at_ms FROM jobs"
            " WHERE queue = ? AND state = ? AND id < ? ORDER BY id DESC LIMIT ?",
            [queue, JobState.DEAD, request.before_id, request.limit + 1],
        )
        return cut([_dead_letter(row) for row in rows], request.limit, lambda letter: letter.id)

    async def retry(self, queue: Queue, job_ids: Sequence[int] | None = None) -> int:
        """Make dead letters ready again, with all their attempts before them; all of them without `job_ids`.

        Their history stays. How many it were.
        """
        now = self._database.now_ms
        return await self._to_dead(
            queue,
            job_ids,
            f"UPDATE jobs SET state = ?, attempts = 0, crash_count = 0, lease = '', run_at_ms = {now},"
            " finished_at_ms = NULL",
            [JobState.READY],
        )

    async def discard(self, queue: Queue, job_ids: Sequence[int] | None = None) -> int:
        """Delete dead letters for good; all of them without `job_ids`. How many it were."""
        return await self._to_dead(queue, job_ids, "DELETE FROM jobs", [])

    async def pause(self, queue: Queue) -> None:
        """Start no more jobs of a queue, anywhere, within a second; those that run are finished."""
        await self._switch(queue, f"COALESCE(paused_at_ms, {self._database.now_ms})", self._database.now_ms)

    async def resume(self, queue: Queue) -> None:
        """Let a queue run again."""
        await self._switch(queue, "NULL", "NULL")

    async def paused(self) -> frozenset[Queue]:
        """The queues that are paused, as they were a second ago at the most; while the database is away, as last
        known. Costs nothing but a query a second in all."""
        if time.monotonic() >= self._fresh_until:
            async with self._refreshing:
                if time.monotonic() >= self._fresh_until:
                    await self._refresh()
        return self._paused

    async def is_paused(self, queue: str) -> bool:
        return queue in await self.paused()

    async def is_ready(self, job_id: int) -> bool:
        """Whether a job waits to be run, due or not; what is asked together is one query. Raises Unavailable."""
        return await self._readiness.submit(job_id)

    async def _which_are_ready(self, job_ids: Sequence[int]) -> list[bool]:
        rows = await self._database.rows(
            f"SELECT id FROM jobs WHERE id IN ({placeholders(len(job_ids))}) AND state = ?",
            [*job_ids, JobState.READY],
        )
        ready = {row["id"] for row in rows}
        return [job_id in ready for job_id in job_ids]

    async def _refresh(self) -> None:
        try:
            switches = await self._switches()
            self._paused = frozenset(queue for queue, paused_at_ms in switches.items() if paused_at_ms)
        except Unavailable:
            pass
        self._fresh_until = time.monotonic() + STATES_FRESH_S

    async def _switches(self) -> dict[Queue, int | None]:
        rows = await self._database.rows("SELECT name, paused_at_ms FROM queues")
        known = set(Queue)
        return {Queue(row["name"]): row["paused_at_ms"] for row in rows if row["name"] in known}

    async def _switch(self, queue: Queue, changed: str, inserted: str) -> None:
        now = self._database.now_ms
        # COALESCE makes a second pause keep the time of the first.
        sql = f"UPDATE queues SET paused_at_ms = {changed}, changed_at_ms = {now} WHERE name = ?"
        if not await retry_on_deadlock(lambda: self._database.execute(sql, [queue])):
            try:
                await self._database.execute(
                    f"INSERT INTO queues (name, paused_at_ms, changed_at_ms) VALUES (?, {inserted}, {now})",
                    [queue],
                )
            except DuplicateKey:
                await self._database.execute(sql, [queue])
        self._fresh_until = 0.0

    async def _sizes(self) -> tuple[int, dict[str, dict[str, Any]]]:
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT queue, state, {now} AS now_ms, COUNT(*) AS jobs, MIN(run_at_ms) AS oldest_ms,"
            f" SUM(CASE WHEN run_at_ms > {now} THEN 1 ELSE 0 END) AS later FROM jobs GROUP BY queue, state"
        )
        sizes: dict[str, dict[str, Any]] = {}
        for row in rows:
            sizes.setdefault(row["queue"], {})[row["state"]] = row
        return (rows[0]["now_ms"] if rows else 0), sizes

    async def _status(
        self, queue: Queue, now_ms: int, states: Mapping[str, Mapping[str, Any]], paused_at_ms: int | None
    ) -> QueueStatus:
        jobs = {state: states[state]["jobs"] if state in states else 0 for state in JobState}
        ready = states.get(JobState.READY, {"later": 0, "oldest_ms": now_ms})
        limits = self._limits.get(queue, QueueLimits())
        return QueueStatus(
            queue=queue,
            paused_at_ms=paused_at_ms,
            waiting=jobs[JobState.READY] - int(ready["later"]),
            delayed=int(ready["later"]),
            running=jobs[JobState.RUNNING],
            completed=jobs[JobState.COMPLETED],
            dead=jobs[JobState.DEAD],
            oldest_waiting_s=max(0, now_ms - ready["oldest_ms"]) / 1000,
            completed_per_minute=await self._rate(queue, JobState.COMPLETED, limits.keep_completed),
            failed_per_minute=await self._rate(queue, JobState.DEAD, 0),
            rate_per_s=limits.rate_per_s,
            garbage=await self._garbage_of(queue),
        )

    async def _rate(self, queue: Queue, state: JobState, kept: int) -> float:
        """Jobs that came into `state` in the last minute.

        Of completed ones only the newest `kept` rows may be left; then it is told from the time that those span.
        """
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT COUNT(*) AS jobs, {now} - MIN(finished_at_ms) AS span_ms FROM jobs"
            f" WHERE queue = ? AND state = ? AND finished_at_ms > {now} - {MINUTE_MS}",
            [queue, state],
        )
        jobs, span_ms = rows[0]["jobs"], rows[0]["span_ms"]
        if not kept or jobs < kept:
            return float(jobs)
        older = await self._database.rows(
            f"SELECT 1 FROM jobs WHERE queue = ? AND state = ? AND finished_at_ms <= {now} - {MINUTE_MS} LIMIT 1",
            [queue, state],
        )
        return float(jobs) if older else round(jobs * MINUTE_MS / max(1, span_ms), 1)

    async def _garbage_of(self, queue: Queue) -> int | None:
        if self._garbage is None:
            return None
        try:
            return await self._garbage(queue)
        except Unavailable:
            return None

    async def _to_dead(
        self, queue: Queue, job_ids: Sequence[int] | None, statement: str, parameters: Sequence[Any]
    ) -> int:
        """Run `statement` on dead letters, a batch at a time; those that die meanwhile are left alone."""
        changed = 0
        for batch in _batches(await self._dead(queue) if job_ids is None else sorted(set(job_ids))):
            where = f" WHERE id IN ({placeholders(len(batch))}) AND queue = ? AND state = ?"
            changed += await retry_on_deadlock(
                lambda batch=batch, where=where: self._database.execute(
                    statement + where, [*parameters, *batch, queue, JobState.DEAD]
                )
            )
        return changed

    async def _dead(self, queue: Queue) -> list[int]:
        rows = await self._database.rows(
            "SELECT id FROM jobs WHERE queue = ? AND state = ? ORDER BY id", [queue, JobState.DEAD]
        )
        return [row["id"] for row in rows]


def _dead_letter(row: Mapping[str, Any]) -> FailedJob:
    history: list[dict[str, Any]] = orjson.loads(row["history"] or "[]")
    return FailedJob(
        id=JobId(row["id"]),
        kind=row["kind"],
        payload=orjson.loads(row["payload"]),
        attempts=row["attempts"],
        crash_count=row["crash_count"],
        error=str(history[-1]["error"]) if history else "",
        history=history,
        created_at_ms=row["created_at_ms"],
        failed_at_ms=row["finished_at_ms"] or row["created_at_ms"],
    )


def _batches(job_ids: Sequence[int]) -> list[Sequence[int]]:
    return [job_ids[start : start + BATCH] for start in range(0, len(job_ids), BATCH)]
