"""Statements on table `jobs` that count jobs by queue and state, and measure throughput."""

from dataclasses import dataclass

from server.models.database import Database
from server.models.jobs.jobs import JobState

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class StateCount:
    """The jobs of one queue in one state; `later` of them are not due yet. `now_ms` is database time."""

    queue: str
    state: str
    jobs: int
    later: int
    oldest_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class RecentlyFinished:
    """Jobs that finished within the last minute, and the time since the first of them finished."""

    jobs: int
    span_ms: int


class QueueStatisticsRepository:
    """Counts jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_by_state(self) -> list[StateCount]:
        """Return the number of jobs for each queue and state that has any."""
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT queue, state, {now} AS now_ms, COUNT(*) AS jobs, MIN(run_at_ms) AS oldest_ms,"
            f" SUM(CASE WHEN run_at_ms > {now} THEN 1 ELSE 0 END) AS later FROM jobs GROUP BY queue, state"
        )
        for row in rows:
            row["later"] = int(row["later"])  # a Decimal on MySQL
        return [StateCount(**row) for row in rows]

    async def count_finished_lately(self, queue: str, state: JobState) -> RecentlyFinished:
        """Count the jobs that entered `state` within the last minute."""
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT COUNT(*) AS jobs, {now} - MIN(finished_at_ms) AS span_ms FROM jobs"
            f" WHERE queue = ? AND state = ? AND finished_at_ms > {now} - {MINUTE_MS}",
            [queue, state],
        )
        return RecentlyFinished(rows[0]["jobs"], rows[0]["span_ms"] or 0)

    async def has_finished_earlier(self, queue: str, state: JobState) -> bool:
        """Return whether a row is left of a job that finished more than a minute ago."""
        rows = await self._database.rows(
            "SELECT 1 FROM jobs WHERE queue = ? AND state = ?"
            f" AND finished_at_ms <= {self._database.now_ms} - {MINUTE_MS} LIMIT 1",
            [queue, state],
        )
        return bool(rows)
