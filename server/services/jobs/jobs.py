"""The `jobs` table as a queue: add, claim under a lease, finish, fail with backoff, hand back, find what is due.

Every time is the database's own, so processes whose clocks differ agree. Who runs a job is not known here.
"""

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from server.batching import BatchingQueue
from server.errors import AppError
from server.events import Event
from server.ids import IdGenerator, JobId
from server.models.database import Database, placeholders, retry_on_deadlock
from server.models.jobs.jobs import JobState
from server.services.jobs.event_jobs import HIGH, JOBS_BY_EVENT, NORMAL, Queue

HISTORY_LENGTH = 20
ERROR_LENGTH = 500


class LeaseLost(AppError):
    """The claim is no longer ours: another worker may have the job, so this one's effect must not be kept."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often a queue's jobs are tried, and the backoff between: full jitter under base * 2^(n-1), capped.

    `for_ms`: a job that is older is not tried again, however few its attempts; 0: at any age.

    Source of the jitter: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    max_attempts: int
    backoff_ms: int
    cap_ms: int
    for_ms: int = 0

    def is_last(self, attempts: int, age_ms: int) -> bool:
        """Whether attempt number `attempts`, of a job of this age, was the last."""
        return attempts >= self.max_attempts or 0 < self.for_ms <= age_ms

    def delay_ms(self, attempts: int) -> int:
        """Milliseconds to wait after attempt number `attempts` (from 1) has failed."""
        ceiling = min(self.cap_ms, self.backoff_ms * 2 ** min(attempts - 1, 30))
        return random.randint(0, ceiling)


@dataclass(frozen=True, slots=True)
class JobRef:
    """What the doorbell needs to know of a job, and since when it is due: put off, it is due another time."""

    queue: Queue
    job_id: JobId
    priority: int
    due_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours to run until its lease ends. `attempts` counts this run; `progress` is the last one saved."""

    id: JobId
    queue: Queue
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    created_at_ms: int
    progress: Mapping[str, Any]
    lease: str


class Jobs:
    """The queue operations. None of them waits for anything but the database."""

    def __init__(
        self,
        database: Database,
        ids: IdGenerator,
        rules: Mapping[Queue, RetryRule],
        lease_ms: int,
        max_crashes: int,
    ) -> None:
        self._database = database
        self._ids = ids
        self._rules = rules
        self._lease_ms = lease_ms
        self._max_crashes = max_crashes
        self._claims = BatchingQueue(self._claim_all, on_abandoned=self._return_unwanted)
        self._finishes = BatchingQueue(self._finish_all)
        self._suspect: JobId | None = None

    async def add(self, events: Sequence[Event]) -> list[JobRef]:
        """Insert the jobs that `events` cause. Call inside the transaction that makes the events true."""
        rungs: list[JobRef] = []
        values: list[Any] = []
        for event in events:
            payload = orjson.dumps(asdict(event)).decode()
            for reaction in JOBS_BY_EVENT.get(type(event), ()):
                job_id = JobId(self._ids.next())
                rungs.append(JobRef(reaction.queue, job_id, reaction.priority))
                values += [job_id, reaction.queue, reaction.kind, payload, reaction.priority, JobState.READY]
        if rungs:
            now = self._database.now_ms
            row = f"(?, ?, ?, ?, ?, ?, {now}, {now}, 0, 0, '', 0)"
            await self._database.execute(
                "INSERT INTO jobs (id, queue, kind, payload, priority, state, run_at_ms, created_at_ms,"
                f" attempts, crash_count, lease, lease_until_ms) VALUES {', '.join([row] * len(rungs))}",
                values,
            )
        return rungs

    async def claim(self, job_id: JobId) -> Claim | None:
        """Take a job that is due; None if it is not ready, not due yet, or somebody else was faster.

        Claims that are asked for together are made together, in two statements. Of the suspects, those with which a
        worker has died, this process takes one at a time, until `let_go`: or a job that kills its process would take
        the same neighbours with it each time, and they would end among the dead letters beside it.
        """
        return await self._claims.submit(job_id)

    def let_go(self, claim: Claim) -> None:
        """This process is done with a job, however it ended."""
        if self._suspect == claim.id:
            self._suspect = None

    async def _claim_all(self, job_ids: Sequence[JobId]) -> list[Claim | None]:
        wanted = sorted(set(job_ids))  # in one order, or two workers deadlock
        lease = secrets.token_hex(16)
        taken = await self._take(wanted, lease, "crash_count = 0")
        if taken < len(wanted) and (suspect := await self._suspect_among(wanted)):
            taken += await self._take([suspect], lease, "crash_count > 0")
        rows = taken and await self._database.rows(
            "SELECT id, queue, kind, payload, attempts, crash_count, created_at_ms, progress FROM jobs"
            f" WHERE id IN ({placeholders(len(wanted))}) AND lease = ?",
            [*wanted, lease],
        )
        self._suspect = next((row["id"] for row in rows or () if row["crash_count"]), self._suspect)
        claims = {row["id"]: _claim(row, lease) for row in rows or ()}
        # Asked for twice in one batch, a job goes to the first who asked.
        return [claims.pop(job_id, None) for job_id in job_ids]

    async def _take(self, job_ids: Sequence[JobId], lease: str, condition: str) -> int:
        now = self._database.now_ms
        return await retry_on_deadlock(
            lambda: self._database.execute(
                f"UPDATE jobs SET state = ?, lease = ?, lease_until_ms = {now} + ?, attempts = attempts + 1 WHERE"
                f" id IN ({placeholders(len(job_ids))}) AND state = ? AND run_at_ms <= {now} AND {condition}",
                [JobState.RUNNING, lease, self._lease_ms, *job_ids, JobState.READY],
            )
        )

    async def _suspect_among(self, job_ids: Sequence[JobId]) -> JobId | None:
        """One that may be taken beside what this process has in hand, if there is any."""
        candidates = [job_id for job_id in job_ids if self._suspect in (None, job_id)]
        if not candidates:
            return None
        rows = await self._database.rows(
            f"SELECT id FROM jobs WHERE id IN ({placeholders(len(candidates))}) AND state = ?"
            f" AND run_at_ms <= {self._database.now_ms} AND crash_count > 0 ORDER BY id LIMIT 1",
            [*candidates, JobState.READY],
        )
        return rows[0]["id"] if rows else None

    async def finish(self, claim: Claim) -> None:
        """Finish a job whose effect is not in the database, or may be made twice. Raises LeaseLost as `complete`."""
        if not await self._finishes.submit(claim):
            raise LeaseLost(f"Job {claim.id} was taken over.")

    async def _finish_all(self, claims: Sequence[Claim]) -> list[bool]:
        ids = sorted(claim.id for claim in claims)
        done = await retry_on_deadlock(
            lambda: self._database.execute(
                f"UPDATE jobs SET state = ?, finished_at_ms = {self._database.now_ms} WHERE"
                f" id IN ({placeholders(len(claims))}) AND state = ? AND lease IN ({placeholders(len(claims))})",
                [JobState.COMPLETED, *ids, JobState.RUNNING, *(claim.lease for claim in claims)],
            )
        )
        if done == len(claims):
            return [True] * len(claims)
        rows = await self._database.rows(
            f"SELECT id, lease FROM jobs WHERE state = ? AND id IN ({placeholders(len(claims))})",
            [JobState.COMPLETED, *ids],
        )
        leases = {row["id"]: row["lease"] for row in rows}
        return [leases.get(claim.id) == claim.lease for claim in claims]

    async def complete(self, claim: Claim) -> None:
        """Finish a job; inside a transaction, together with its effect. Raises LeaseLost if it is not ours any more."""
        done = await self._database.execute(
            f"UPDATE jobs SET state = ?, finished_at_ms = {self._database.now_ms}"
            " WHERE id = ? AND state = ? AND lease = ?",
            [JobState.COMPLETED, claim.id, JobState.RUNNING, claim.lease],
        )
        if not done:
            raise LeaseLost(f"Job {claim.id} was taken over.")

    async def save_progress(self, claim: Claim, progress: Mapping[str, Any]) -> None:
        """Note how far a job has come, for whoever runs it next. Raises LeaseLost if it is not ours any more."""
        saved = await self._database.execute(
            f"UPDATE jobs SET progress = ?, lease_until_ms = {self._database.now_ms} + ?"
            " WHERE id = ? AND state = ? AND lease = ?",
            [orjson.dumps(progress).decode(), self._lease_ms, claim.id, JobState.RUNNING, claim.lease],
        )
        if not saved:
            raise LeaseLost(f"Job {claim.id} was taken over.")

    async def heartbeat(self, claims: Sequence[Claim]) -> None:
        """Prolong the leases of jobs that are still running."""
        if claims:
            await self._database.execute(
                f"UPDATE jobs SET lease_until_ms = {self._database.now_ms} + ?"
                f" WHERE id IN ({placeholders(len(claims))}) AND state = ?"
                f" AND lease IN ({placeholders(len(claims))})",
                [
                    self._lease_ms,
                    *(claim.id for claim in claims),
                    JobState.RUNNING,
                    *(claim.lease for claim in claims),
                ],
            )

    async def fail(self, claim: Claim, error: str) -> JobState | None:
        """Note a failed attempt: back to READY after its backoff, or DEAD after the last; None if it was not ours."""
        rule = self._rules[claim.queue]
        history, now_ms = await self._history(claim.id, claim.attempts, error)
        dead = rule.is_last(claim.attempts, now_ms - claim.created_at_ms)
        state = JobState.DEAD if dead else JobState.READY
        now = self._database.now_ms
        changed = await self._database.execute(
            f"UPDATE jobs SET state = ?, lease = '', run_at_ms = {now} + ?, history = ?, finished_at_ms ="
            f" {now if dead else 'NULL'} WHERE id = ? AND state = ? AND lease = ?",
            [
                state,
                0 if dead else rule.delay_ms(claim.attempts),
                history,
                claim.id,
                JobState.RUNNING,
                claim.lease,
            ],
        )
        return state if changed else None

    async def postpone(self, claim: Claim) -> None:
        """Put a job off that could not run because a part was away; that is no attempt of its own."""
        await self._database.execute(
            f"UPDATE jobs SET state = ?, lease = '', attempts = attempts - 1, run_at_ms = {self._database.now_ms} + ?"
            " WHERE id = ? AND state = ? AND lease = ?",
            [JobState.READY, random.randint(500, 2000), claim.id, JobState.RUNNING, claim.lease],
        )

    async def hand_back(self, claims: Sequence[Claim]) -> None:
        """Make jobs that were interrupted by a shutdown ready again, at once and without a spent attempt."""
        for claim in claims:
            await self._database.execute(
                "UPDATE jobs SET state = ?, lease = '', attempts = attempts - 1"
                " WHERE id = ? AND state = ? AND lease = ?",
                [JobState.READY, claim.id, JobState.RUNNING, claim.lease],
            )

    async def _return_unwanted(self, claims: Sequence[Claim | None]) -> None:
        unwanted = [claim for claim in claims if claim is not None]
        for claim in unwanted:
            self.let_go(claim)
        await self.hand_back(unwanted)

    async def reclaim(self) -> int:
        """Take jobs back whose lease ran out; those that ended too many workers are dead letters. How many."""
        expired = await self._database.rows(
            "SELECT id, lease, crash_count, attempts FROM jobs WHERE state = ?"
            f" AND lease_until_ms < {self._database.now_ms} LIMIT 1000",
            [JobState.RUNNING],
        )
        reclaimed = 0
        for row in expired:
            dead = row["crash_count"] + 1 >= self._max_crashes
            now = self._database.now_ms
            history, _ = await self._history(row["id"], row["attempts"], "The worker died or lost its lease.")
            reclaimed += await self._database.execute(
                f"UPDATE jobs SET state = ?, lease = '', crash_count = crash_count + 1, run_at_ms = {now}, history = ?,"
                f" finished_at_ms = {now if dead else 'NULL'} WHERE id = ? AND state = ? AND lease = ?"
                f" AND lease_until_ms < {now}",
                [
                    JobState.DEAD if dead else JobState.READY,
                    history,
                    row["id"],
                    JobState.RUNNING,
                    row["lease"],
                ],
            )
        return reclaimed

    async def due(self, queues: Sequence[Queue] = tuple(Queue), limit: int = 500) -> list[JobRef]:
        """Ready jobs of these queues whose time has come, at most `limit` a queue; of each, urgent and oldest first."""
        rungs: list[JobRef] = []
        for queue in queues:
            room = limit
            for priority in (HIGH, NORMAL):  # one at a time, each in the order of the index
                rows = await self._database.rows(
                    "SELECT id, run_at_ms FROM jobs WHERE queue = ? AND state = ? AND priority = ?"
                    f" AND run_at_ms <= {self._database.now_ms} ORDER BY run_at_ms LIMIT ?",
                    [queue, JobState.READY, priority, room],
                )
                rungs += [JobRef(queue, JobId(row["id"]), priority, row["run_at_ms"]) for row in rows]
                room -= len(rows)
        return rungs

    async def _history(self, job_id: int, attempt: int, error: str) -> tuple[str, int]:
        """A job's history with another failure in it, and the database's time."""
        rows = await self._database.rows(
            f"SELECT history, {self._database.now_ms} AS now_ms FROM jobs WHERE id = ?", [job_id]
        )
        if not rows:
            return "[]", 0
        past = orjson.loads(rows[0]["history"] or "[]")
        entry = {"attempt": attempt, "atMs": rows[0]["now_ms"], "error": error[:ERROR_LENGTH]}
        return orjson.dumps([*past, entry][-HISTORY_LENGTH:]).decode(), rows[0]["now_ms"]


def _claim(row: Mapping[str, Any], lease: str) -> Claim:
    return Claim(
        id=JobId(row["id"]),
        queue=Queue(row["queue"]),
        kind=row["kind"],
        payload=orjson.loads(row["payload"]),
        attempts=row["attempts"],
        created_at_ms=row["created_at_ms"],
        progress=orjson.loads(row["progress"] or "{}"),
        lease=lease,
    )
