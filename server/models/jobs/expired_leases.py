"""Statements on table `jobs` that take jobs back from workers whose lease expired."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import JobId
from server.models.database import Database
from server.models.jobs.jobs import FailedAttempt, JobState, dump_history


@dataclass(frozen=True, slots=True)
class ExpiredLease:
    """A running job whose lease has expired."""

    id: JobId
    lease: str
    crash_count: int
    attempts: int


class ExpiredLeaseRepository:
    """Finds and reclaims jobs with an expired lease."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_expired(self, limit: int) -> list[ExpiredLease]:
        """Return running jobs whose lease has expired, in any order."""
        rows = await self._database.rows(
            "SELECT id, lease, crash_count, attempts FROM jobs WHERE state = ?"
            f" AND lease_until_ms < {self._database.now_ms} LIMIT ?",
            [JobState.RUNNING, limit],
        )
        return [ExpiredLease(**row) for row in rows]

    async def reclaim(self, expired: ExpiredLease, history: Sequence[FailedAttempt], *, dead: bool) -> bool:
        """Count a crash and make the job ready or dead; False if another process changed the job."""
        now = self._database.now_ms
        return bool(
            await self._database.execute(
                f"UPDATE jobs SET state = ?, lease = '', crash_count = crash_count + 1, run_at_ms = {now}, history = ?,"
                f" finished_at_ms = {now if dead else 'NULL'} WHERE id = ? AND state = ? AND lease = ?"
                f" AND lease_until_ms < {now}",
                [
                    JobState.DEAD if dead else JobState.READY,
                    dump_history(history),
                    expired.id,
                    JobState.RUNNING,
                    expired.lease,
                ],
            )
        )
