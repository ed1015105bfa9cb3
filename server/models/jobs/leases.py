"""Statements on table `jobs` that claim jobs under a lease and settle them. `expired_leases.py` reclaims them.

A statement about a claimed job names its lease, so it changes nothing after another worker took the job over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.ids import JobId
from server.models.database import Database, placeholders, retry_on_deadlock
from server.models.jobs.jobs import FailedAttempt, JobState, dump_history, parse_history


@dataclass(frozen=True, slots=True)
class JobLease:
    """A job and the claim that holds it."""

    job_id: JobId
    lease: str


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """The row of a job that was just claimed."""

    id: JobId
    queue: str
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    crash_count: int
    created_at_ms: int
    progress: Mapping[str, Any]
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class JobHistory:
    """The failed attempts of a job, and the database time at which they were read."""

    attempts: Sequence[FailedAttempt]
    now_ms: int


class JobLeaseRepository:
    """Claims, settles and reclaims jobs. `lease_ms`: how long a claim holds without a heartbeat."""

    def __init__(self, database: Database, lease_ms: int) -> None:
        self._database = database
        self._lease_ms = lease_ms

    async def claim(self, job_ids: Sequence[JobId], lease: str, *, crashed: bool) -> int:
        """Claim the due jobs among these that have crashed a worker, or have not. Return how many."""
        now = self._database.now_ms
        condition = "crash_count > 0" if crashed else "crash_count = 0"
        return await retry_on_deadlock(
            lambda: self._database.execute(
                f"UPDATE jobs SET state = ?, lease = ?, lease_until_ms = {now} + ?, attempts = attempts + 1 WHERE"
                f" id IN ({placeholders(len(job_ids))}) AND state = ? AND run_at_ms <= {now} AND {condition}",
                [JobState.RUNNING, lease, self._lease_ms, *job_ids, JobState.READY],
            )
        )

    async def list_claimed(self, job_ids: Sequence[JobId], lease: str) -> list[ClaimedJob]:
        """Return the jobs among these that `lease` holds."""
        rows = await self._database.rows(
            "SELECT id, queue, kind, payload, attempts, crash_count, created_at_ms, progress, traceparent FROM jobs"
            f" WHERE id IN ({placeholders(len(job_ids))}) AND lease = ?",
            [*job_ids, lease],
        )
        for row in rows:
            row["payload"] = orjson.loads(row["payload"])
            row["progress"] = orjson.loads(row["progress"] or "{}")
        return [ClaimedJob(**row) for row in rows]

    async def find_crashed(self, job_ids: Sequence[JobId]) -> JobId | None:
        """Return the first due job among these that has crashed a worker."""
        rows = await self._database.rows(
            f"SELECT id FROM jobs WHERE id IN ({placeholders(len(job_ids))}) AND state = ?"
            f" AND run_at_ms <= {self._database.now_ms} AND crash_count > 0 ORDER BY id LIMIT 1",
            [*job_ids, JobState.READY],
        )
        return rows[0]["id"] if rows else None

    async def complete(self, held: JobLease) -> bool:
        """Complete a job; False if the lease is lost."""
        return bool(
            await self._database.execute(
                f"UPDATE jobs SET state = ?, finished_at_ms = {self._database.now_ms}"
                " WHERE id = ? AND state = ? AND lease = ?",
                [JobState.COMPLETED, held.job_id, JobState.RUNNING, held.lease],
            )
        )

    async def complete_all(self, held: Sequence[JobLease]) -> set[JobLease]:
        """Complete jobs in one statement; return those whose lease was not lost."""
        ids = sorted(each.job_id for each in held)
        some = placeholders(len(held))
        completed = await retry_on_deadlock(
            lambda: self._database.execute(
                f"UPDATE jobs SET state = ?, finished_at_ms = {self._database.now_ms} WHERE"
                f" id IN ({some}) AND state = ? AND lease IN ({some})",
                [JobState.COMPLETED, *ids, JobState.RUNNING, *(each.lease for each in held)],
            )
        )
        if completed == len(held):
            return set(held)
        rows = await self._database.rows(
            f"SELECT id, lease FROM jobs WHERE state = ? AND id IN ({some})", [JobState.COMPLETED, *ids]
        )
        return {JobLease(row["id"], row["lease"]) for row in rows}

    async def save_progress(self, held: JobLease, progress: Mapping[str, Any]) -> bool:
        """Save how far a job has come and extend its lease; False if the lease is lost."""
        return bool(
            await self._database.execute(
                f"UPDATE jobs SET progress = ?, lease_until_ms = {self._database.now_ms} + ?"
                " WHERE id = ? AND state = ? AND lease = ?",
                [
                    orjson.dumps(progress).decode(),
                    self._lease_ms,
                    held.job_id,
                    JobState.RUNNING,
                    held.lease,
                ],
            )
        )

    async def extend(self, held: Sequence[JobLease]) -> None:
        """Extend the leases that are not lost."""
        some = placeholders(len(held))
        await self._database.execute(
            f"UPDATE jobs SET lease_until_ms = {self._database.now_ms} + ?"
            f" WHERE id IN ({some}) AND state = ? AND lease IN ({some})",
            [
                self._lease_ms,
                *(each.job_id for each in held),
                JobState.RUNNING,
                *(each.lease for each in held),
            ],
        )

    async def get_history(self, job_id: JobId) -> JobHistory:
        """Return the failed attempts of a job, oldest first."""
        rows = await self._database.rows(
            f"SELECT history, {self._database.now_ms} AS now_ms FROM jobs WHERE id = ?", [job_id]
        )
        return JobHistory(parse_history(rows[0]["history"]), rows[0]["now_ms"]) if rows else JobHistory([], 0)

    async def record_failure(
        self, held: JobLease, history: Sequence[FailedAttempt], delay_ms: int, *, dead: bool
    ) -> bool:
        """Make a job ready after `delay_ms`, or dead; False if the lease is lost."""
        now = self._database.now_ms
        return bool(
            await self._database.execute(
                f"UPDATE jobs SET state = ?, lease = '', run_at_ms = {now} + ?, history = ?, finished_at_ms ="
                f" {now if dead else 'NULL'} WHERE id = ? AND state = ? AND lease = ?",
                [
                    JobState.DEAD if dead else JobState.READY,
                    delay_ms,
                    dump_history(history),
                    held.job_id,
                    JobState.RUNNING,
                    held.lease,
                ],
            )
        )

    async def postpone(self, held: JobLease, delay_ms: int) -> None:
        """Make a job ready after `delay_ms` without counting the attempt."""
        await self._database.execute(
            f"UPDATE jobs SET state = ?, lease = '', attempts = attempts - 1, run_at_ms = {self._database.now_ms} + ?"
            " WHERE id = ? AND state = ? AND lease = ?",
            [JobState.READY, delay_ms, held.job_id, JobState.RUNNING, held.lease],
        )

    async def return_to_queue(self, held: JobLease) -> None:
        """Make a job ready at once without counting the attempt."""
        await self._database.execute(
            "UPDATE jobs SET state = ?, lease = '', attempts = attempts - 1"
            " WHERE id = ? AND state = ? AND lease = ?",
            [JobState.READY, held.job_id, JobState.RUNNING, held.lease],
        )
