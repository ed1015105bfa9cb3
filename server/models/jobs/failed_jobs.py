"""Statements on table `jobs` about failed jobs: those in state `dead`, also called dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.ids import JobId
from server.models.database import Database, placeholders, retry_on_deadlock
from server.models.jobs.jobs import FailedAttempt, JobState, parse_history


@dataclass(frozen=True, slots=True)
class FailedJobRow:
    """A job that will not be tried again, with its failed attempts, oldest first."""

    id: JobId
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    crash_count: int
    history: Sequence[FailedAttempt]
    created_at_ms: int
    finished_at_ms: int | None


class FailedJobRepository:
    """Lists, retries and deletes failed jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_page(self, queue: str, before_id: int, limit: int) -> list[FailedJobRow]:
        """Return failed jobs of a queue with smaller ids than `before_id`, newest first."""
        rows = await self._database.rows(
            "SELECT id, kind, payload, attempts, crash_count, history, created_at_ms, finished_at_ms FROM jobs"
            " WHERE queue = ? AND state = ? AND id < ? ORDER BY id DESC LIMIT ?",
            [queue, JobState.DEAD, before_id, limit],
        )
        for row in rows:
            row["payload"] = orjson.loads(row["payload"])
            row["history"] = parse_history(row["history"])
        return [FailedJobRow(**row) for row in rows]

    async def list_ids(self, queue: str) -> list[int]:
        """Return the ids of all failed jobs of a queue, oldest first."""
        rows = await self._database.rows(
            "SELECT id FROM jobs WHERE queue = ? AND state = ? ORDER BY id", [queue, JobState.DEAD]
        )
        return [row["id"] for row in rows]

    async def retry(self, queue: str, job_ids: Sequence[int]) -> int:
        """Make failed jobs ready with a fresh set of attempts; keep their history. Return how many."""
        statement = (
            "UPDATE jobs SET state = ?, attempts = 0, crash_count = 0, lease = '',"
            f" run_at_ms = {self._database.now_ms}, finished_at_ms = NULL"
        )
        return await self._change(statement, [JobState.READY], queue, job_ids)

    async def delete(self, queue: str, job_ids: Sequence[int]) -> int:
        """Delete failed jobs. Return how many."""
        return await self._change("DELETE FROM jobs", [], queue, job_ids)

    async def _change(
        self, statement: str, parameters: Sequence[Any], queue: str, job_ids: Sequence[int]
    ) -> int:
        where = f" WHERE id IN ({placeholders(len(job_ids))}) AND queue = ? AND state = ?"
        return await retry_on_deadlock(
            lambda: self._database.execute(statement + where, [*parameters, *job_ids, queue, JobState.DEAD])
        )
