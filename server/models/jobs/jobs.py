"""Table `jobs`: background work from commit to completion. The row is authoritative; Redis only carries signals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from tortoise import fields
from tortoise.models import Model

from server.ids import JobId
from server.models.batch_delete import DELETE_BATCH, delete_in_batches
from server.models.database import Database, placeholders


class JobState(StrEnum):
    """State of a job between its insertion and its deletion."""

    READY = "ready"
    RUNNING = "running"
    COMPLETED = "completed"
    DEAD = "dead"


class JobTable(Model):
    """`run_at_ms` and `lease_until_ms` are database time; `lease` identifies the claim that holds the job.

    `created_at_ms` of a job that was inserted for a later time is that time: waiting and age count from there.
    `traceparent` names the span that caused the job.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    queue = fields.CharField(max_length=32)
    kind = fields.CharField(max_length=64)
    payload = fields.TextField()
    priority = fields.SmallIntField(default=0)
    state = fields.CharField(max_length=12)
    run_at_ms = fields.BigIntField()
    attempts = fields.IntField(default=0)
    crash_count = fields.IntField(default=0)
    lease = fields.CharField(max_length=40, default="")
    lease_until_ms = fields.BigIntField(default=0)
    progress = fields.TextField(null=True)
    history = fields.TextField(null=True)
    created_at_ms = fields.BigIntField()
    finished_at_ms = fields.BigIntField(null=True)
    traceparent = fields.CharField(max_length=55, null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "jobs"
        indexes = (
            ("queue", "state", "priority", "run_at_ms"),
            ("state", "lease_until_ms"),
            ("queue", "state", "finished_at_ms"),
        )


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to insert. `run_at_ms`: when it is due, in database time; None: now.

    `traceparent` names the span that causes it; None outside of a trace.
    """

    id: JobId
    queue: str
    kind: str
    payload: Mapping[str, Any]
    priority: int
    run_at_ms: int | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class DueJob:
    """A ready job whose time has come."""

    queue: str
    priority: int
    id: JobId
    run_at_ms: int


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One entry of a job's history."""

    attempt: int
    at_ms: int
    error: str


class JobRepository:
    """Inserts, finds and prunes jobs. `leases.py` has the statements of running jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, jobs: Sequence[NewJob]) -> None:
        """Insert jobs that are ready."""
        values: list[Any] = []
        rows: list[str] = []
        for job in jobs:
            payload = orjson.dumps(job.payload).decode()
            values += [job.id, job.queue, job.kind, payload, job.priority, JobState.READY]
            due = "?"
            if job.run_at_ms is None:
                due = self._database.now_ms
            else:
                values += [job.run_at_ms, job.run_at_ms]
            values.append(job.traceparent)
            rows.append(f"(?, ?, ?, ?, ?, ?, {due}, {due}, ?, 0, 0, '', 0)")
        await self._database.execute(
            "INSERT INTO jobs (id, queue, kind, payload, priority, state, run_at_ms, created_at_ms,"
            f" traceparent, attempts, crash_count, lease, lease_until_ms) VALUES {', '.join(rows)}",
            values,
        )

    async def delete_delayed(self, job: NewJob) -> None:
        """Delete the jobs like this one that no worker has claimed, found by their time."""
        rows = await self._database.rows(
            "SELECT id FROM jobs WHERE queue = ? AND state = ? AND priority = ? AND run_at_ms = ? AND kind = ?"
            " AND payload = ?",
            [
                job.queue,
                JobState.READY,
                job.priority,
                job.run_at_ms,
                job.kind,
                orjson.dumps(job.payload).decode(),
            ],
        )
        for row in rows:
            await self._database.execute(
                "DELETE FROM jobs WHERE id = ? AND state = ?", [row["id"], JobState.READY]
            )

    async def list_due(self, classes: Sequence[tuple[str, int]], limit: int) -> list[DueJob]:
        """Return ready jobs whose time has come, at most `limit` of each queue and priority in `classes`.

        They are in the order of `classes`, and then oldest first. One statement, each part of it in index order.
        """
        if not classes:
            return []
        part = (
            "SELECT * FROM (SELECT queue, priority, id, run_at_ms FROM jobs WHERE queue = ? AND state = ?"
            f" AND priority = ? AND run_at_ms <= {self._database.now_ms} ORDER BY run_at_ms LIMIT ?) AS due"
        )
        values: list[Any] = []
        for queue, priority in classes:
            values += [queue, JobState.READY, priority, limit]
        rows = await self._database.rows(" UNION ALL ".join([part] * len(classes)), values)
        order = {each: number for number, each in enumerate(classes)}
        found = [DueJob(**row) for row in rows]
        return sorted(found, key=lambda job: (order[job.queue, job.priority], job.run_at_ms))

    async def list_ready(self, job_ids: Sequence[int]) -> set[int]:
        """Return which of these jobs are ready, due or not."""
        rows = await self._database.rows(
            f"SELECT id FROM jobs WHERE id IN ({placeholders(len(job_ids))}) AND state = ?",
            [*job_ids, JobState.READY],
        )
        return {row["id"] for row in rows}

    async def has_unfinished(self, queue: str, kind: str) -> bool:
        """Return whether a job of this kind is ready or running."""
        rows = await self._database.rows(
            "SELECT 1 FROM jobs WHERE queue = ? AND kind = ? AND state IN (?, ?) LIMIT 1",
            [queue, kind, JobState.READY, JobState.RUNNING],
        )
        return bool(rows)

    async def prune(self, queue: str, state: JobState, keep: int) -> int:
        """Delete finished jobs of a queue except the newest `keep`. Return how many."""
        select = (
            "SELECT id FROM jobs WHERE queue = ? AND state = ?"
            f" ORDER BY finished_at_ms DESC, id DESC LIMIT {DELETE_BATCH} OFFSET ?"
        )
        return await delete_in_batches(self._database, "jobs", select, [queue, state, keep])


def parse_history(text: str | None) -> list[FailedAttempt]:
    """Parse the `history` column."""
    return [
        FailedAttempt(entry["attempt"], entry["atMs"], entry["error"]) for entry in orjson.loads(text or "[]")
    ]


def dump_history(history: Sequence[FailedAttempt]) -> str:
    """Return the value of the `history` column."""
    entries = [{"attempt": each.attempt, "atMs": each.at_ms, "error": each.error} for each in history]
    return orjson.dumps(entries).decode()
