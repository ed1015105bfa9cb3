"""Schemas of `/queues`."""

from types import MappingProxyType
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.handlers.fields import (
    Count,
    Id,
    QueryBoolean,
    QueryList,
    RequestSchema,
    StrictBoolean,
    Timestamp,
)
from server.services.jobs.event_jobs import Queue

MAX_JOB_IDS = 1000
MAX_IDS_IN_QUERY = 400  # a request line is limited to 8190 bytes


def require_ids_or_all(data: dict[str, Any]) -> None:
    """Raise ValidationError unless a request names either ids or all."""
    if len(data) != 1:
        raise ValidationError("Exactly one of these is required: ids, all.", "ids")


class FailedJobsBody(RequestSchema):
    """The failed jobs to change: those listed, or all."""

    keywords = MappingProxyType({"minProperties": 1, "maxProperties": 1})

    ids = fields.List(Id(), validate=validate.Length(1, MAX_JOB_IDS))
    all = StrictBoolean(
        validate=validate.OneOf([True]), metadata={"description": "Every failed job of the queue."}
    )

    @validates_schema
    def require_ids_or_all(self, data: dict[str, Any], **_: Any) -> None:
        require_ids_or_all(data)


class FailedJobsQuery(RequestSchema):
    """The failed jobs to change, as a query."""

    ids = QueryList(
        Id(),
        validate=validate.Length(1, MAX_IDS_IN_QUERY),
        metadata={"description": "Comma-separated, or repeated."},
    )
    all = QueryBoolean(
        validate=validate.OneOf([True]),
        metadata={"description": "Every failed job of the queue.", "examples": [True]},
    )

    @validates_schema
    def require_ids_or_all(self, data: dict[str, Any], **_: Any) -> None:
        require_ids_or_all(data)


class JobQueueSchema(Schema):
    name = fields.Enum(Queue, by_value=fields.String, required=True)
    paused = fields.Boolean(required=True)
    pausedAt = Timestamp(required=True, allow_none=True)
    waiting = Count(required=True)
    delayed = Count(required=True)
    running = Count(required=True)
    completed = Count(required=True, metadata={"description": "Completed jobs that are still stored."})
    failed = Count(required=True, metadata={"description": "Jobs that failed permanently."})
    oldestWaitingS = fields.Float(required=True)
    completedPerMinute = fields.Float(required=True)
    failedPerMinute = fields.Float(required=True)
    ratePerS = fields.Float(
        required=True, metadata={"description": "Jobs started per second, at most; 0: unlimited."}
    )
    rejectedMessages = Count(
        required=True,
        allow_none=True,
        metadata={"description": "Rejected messages; null: unknown at the moment."},
    )


class QueueMinuteSchema(Schema):
    """The figures of a queue in one minute."""

    at = Timestamp(required=True, metadata={"description": "When the minute began."})
    unfinished = Count(required=True, metadata={"description": "Jobs that waited or ran."})
    completed = fields.Float(required=True, metadata={"description": "Jobs that were completed in a minute."})
    failed = fields.Float(
        required=True, metadata={"description": "Jobs that failed permanently in a minute."}
    )


class QueueSeriesSchema(Schema):
    queue = fields.Enum(Queue, by_value=fields.String, required=True)
    minutes = fields.List(
        fields.Nested(QueueMinuteSchema),
        required=True,
        metadata={"description": "At most 60, oldest first."},
    )


class QueueHistorySchema(Schema):
    items = fields.List(fields.Nested(QueueSeriesSchema), required=True)


class JobAttemptSchema(Schema):
    attempt = Count(required=True)
    at = Timestamp(required=True)
    error = fields.String(required=True)


class FailedJobSchema(Schema):
    id = Id(required=True)
    kind = fields.String(required=True)
    payload = fields.Dict(required=True)
    attempts = Count(required=True)
    crashCount = Count(required=True, metadata={"description": "Workers that crashed while they ran it."})
    error = fields.String(required=True)
    history = fields.List(fields.Nested(JobAttemptSchema), required=True)
    createdAt = Timestamp(required=True)
    failedAt = Timestamp(required=True)


class ChangedJobsSchema(Schema):
    jobs = Count(required=True, metadata={"description": "Number of changed jobs."})
