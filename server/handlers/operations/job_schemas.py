"""Schemas of jobs in any state."""

from types import MappingProxyType
from typing import Any

from marshmallow import Schema, fields, validate, validates_schema

from server.clock import isoformat
from server.handlers.fields import Count, Id, QueryInteger, RequestSchema, StrictBoolean, Timestamp
from server.handlers.operations.queue_schemas import MAX_JOB_IDS, JobAttemptSchema, require_ids_or_all
from server.services.jobs.event_jobs import Queue
from server.services.jobs.job_search import JobRow

STATES = {"ready": "waiting", "running": "running", "completed": "completed", "dead": "failed"}
MAX_DELAYED = 100


class DelayedJobsQuery(RequestSchema):
    limit = QueryInteger(
        load_default=50,
        validate=validate.Range(1, MAX_DELAYED),
        metadata={"description": "The maximum number of jobs."},
    )


class DelayedJobsBody(RequestSchema):
    """The delayed jobs to start: those listed, or all."""

    keywords = MappingProxyType({"minProperties": 1, "maxProperties": 1})

    ids = fields.List(Id(), validate=validate.Length(1, MAX_JOB_IDS))
    all = StrictBoolean(
        validate=validate.OneOf([True]),
        metadata={"description": "Every job of the queue that waits for its next attempt."},
    )

    @validates_schema
    def require_ids_or_all(self, data: dict[str, Any], **_: Any) -> None:
        require_ids_or_all(data)


class JobSchema(Schema):
    """A job in any state."""

    id = Id(required=True)
    queue = fields.Enum(Queue, by_value=fields.String, required=True)
    kind = fields.String(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(["waiting", "delayed", "running", "completed", "failed"]),
        metadata={"description": "`delayed`: it waits until `runAt`."},
    )
    payload = fields.Dict(required=True)
    attempts = Count(required=True)
    crashCount = Count(required=True, metadata={"description": "Workers that crashed while they ran it."})
    history = fields.List(fields.Nested(JobAttemptSchema), required=True)
    promotable = fields.Boolean(
        required=True,
        metadata={"description": "It waits for its next attempt, which `promote` starts now."},
    )
    createdAt = Timestamp(required=True)
    runAt = Timestamp(required=True, metadata={"description": "When it is, or was, due."})
    finishedAt = Timestamp(required=True, allow_none=True)


class JobListSchema(Schema):
    items = fields.List(fields.Nested(JobSchema), required=True)


def job_entry(job: JobRow) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "queue": job.queue,
        "kind": job.kind,
        "state": "delayed" if job.is_delayed else STATES[job.state],
        "payload": job.payload,
        "attempts": job.attempts,
        "crashCount": job.crash_count,
        "history": [
            {"attempt": each.attempt, "at": isoformat(each.at_ms), "error": each.error}
            for each in job.history
        ],
        "promotable": job.is_promotable,
        "createdAt": isoformat(job.created_at_ms),
        "runAt": isoformat(job.run_at_ms),
        "finishedAt": None if job.finished_at_ms is None else isoformat(job.finished_at_ms),
    }
