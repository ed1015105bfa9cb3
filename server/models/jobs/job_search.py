"""Statements on table `jobs` that look jobs up for operators: by id, and those that wait for a later time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.ids import JobId
from server.models.database import Database, placeholders, retry_on_deadlock
from server.models.jobs.jobs import FailedAttempt, JobState, parse_history

PROMOTED_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in any state. `now_ms` is the database's time when it was read."""

    id: JobId
    queue: str
    kind: str
    payload: Mapping[str, Any]
    state: JobState
    attempts: int
    crash_count: int
    history: Sequence[FailedAttempt]
    created_at_ms: int
    run_at_ms: int
    finished_at_ms: int | None
    now_ms: int

    @property
    def is_delayed(self) -> bool:
        return self.state is JobState.READY and self.run_at_ms > self.now_ms

    @property
    def is_promotable(self) -> bool:
        """True if it waits for its next attempt. One that was inserted for a later time does nothing before."""
        return self.is_delayed and self.created_at_ms <= self.now_ms


class JobSearchRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, job_id: JobId) -> JobRow | None:
        rows = await self._list("id = ?", [job_id], "id", 1)
        return rows[0] if rows else None

    async def list_delayed(self, queue: str, priorities: Sequence[int], limit: int) -> list[JobRow]:
        """Return the jobs of a queue that are due next; of each priority in the order of the index."""
        found: list[JobRow] = []
        for priority in priorities:
            found += await self._list(
                f"queue = ? AND state = ? AND priority = ? AND run_at_ms > {self._database.now_ms}",
                [queue, JobState.READY, priority],
                "run_at_ms",
                limit,
            )
        return sorted(found, key=lambda job: (job.run_at_ms, job.id))[:limit]

    async def promote(self, queue: str, job_ids: Sequence[int]) -> int:
        """Make jobs due that wait for their next attempt. Return how many."""
        now = self._database.now_ms
        return await retry_on_deadlock(
            lambda: self._database.execute(
                f"UPDATE jobs SET run_at_ms = {now} WHERE id IN ({placeholders(len(job_ids))})"
                f" AND queue = ? AND state = ? AND run_at_ms > {now} AND created_at_ms <= {now}",
                [*job_ids, queue, JobState.READY],
            )
        )

    async def list_promotable(self, queue: str, priorities: Sequence[int]) -> list[int]:
        """Return ids of jobs that wait for their next attempt, at most 500 per priority."""
        now = self._database.now_ms
        ids: list[int] = []
        for priority in priorities:
            rows = await self._database.rows(
                f"SELECT id FROM jobs WHERE queue = ? AND state = ? AND priority = ? AND run_at_ms > {now}"
                f" AND created_at_ms <= {now} ORDER BY run_at_ms LIMIT {PROMOTED_PER_STATEMENT}",
                [queue, JobState.READY, priority],
            )
            ids += [row["id"] for row in rows]
        return ids

    async def _list(self, where: str, parameters: Sequence[Any], order: str, limit: int) -> list[JobRow]:
        rows = await self._database.rows(
            "SELECT id, queue, kind, payload, state, attempts, crash_count, history, created_at_ms, run_at_ms,"
            f" finished_at_ms, {self._database.now_ms} AS now_ms FROM jobs WHERE {where} ORDER BY {order} LIMIT ?",
            [*parameters, limit],
        )
        for row in rows:
            row["payload"] = orjson.loads(row["payload"])
            row["history"] = parse_history(row["history"])
            row["state"] = JobState(row["state"])
        return [JobRow(**row) for row in rows]
