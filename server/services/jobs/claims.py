"""A job as its worker holds it, and as a signal names it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.errors import AppError
from server.ids import JobId
from server.models.jobs.leases import JobLease
from server.services.jobs.event_jobs import Queue


class LeaseLost(AppError):
    """Another worker may have the job now, so this one must not commit its effect."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class JobRef:
    """A job that is due. `due_at_ms` distinguishes a retry from an earlier attempt; it is 0 for a new job."""

    queue: Queue
    job_id: JobId
    priority: int
    due_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that this process may run until its lease ends.

    `attempts` includes this one; `progress` is what an earlier attempt saved last. `traceparent` names the span that
    caused the job.
    """

    id: JobId
    queue: Queue
    kind: str
    payload: Mapping[str, Any]
    attempts: int
    created_at_ms: int
    progress: Mapping[str, Any]
    lease: str
    traceparent: str | None = None

    @property
    def key(self) -> str:
        """The name of this job in the e-mail that it sends, the same at each attempt."""
        return f"{self.kind}-{self.id}"

    @property
    def held(self) -> JobLease:
        """The key of the statements that settle this job."""
        return JobLease(self.id, self.lease)
