"""`/queues`: how the background work stands, dead letters, pause and resume. For the role admin alone."""

from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType
from typing import Any

from aiohttp import web
from aiohttp_apispec import docs, json_schema, querystring_schema, response_schema
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.clock import isoformat
from server.errors import Forbidden
from server.handlers import serializers
from server.handlers.http.rate_limiting import Rate, rate_limited
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request
from server.handlers.schemas import (
    ID_PATTERN,
    Count,
    Flag,
    Id,
    Moment,
    PageQuery,
    ProblemSchema,
    QueryFlag,
    Strict,
    Whole,
    page_of,
)
from server.paging import Page
from server.services.jobs.event_jobs import Queue
from server.services.jobs.queue_administration import FailedJob, QueueAdministration, QueueStatus, queue_named
from server.services.records import Role

MAX_IDS = 1000
MAX_IDS_OF_QUERY = 400  # a request line has 8190 bytes
IDS_PATTERN = ID_PATTERN.removesuffix("$") + r"(,[0-9]{1,16})*$"


def _one_of_two(data: dict[str, Any]) -> None:
    if len(data) != 1:
        raise ValidationError("Name the jobs, or say that all of them are meant.", "ids")


class Chosen(Strict):
    """Which dead letters are meant: these, or all."""

    keywords = MappingProxyType({"minProperties": 1, "maxProperties": 1})

    ids = fields.List(Id(), validate=validate.Length(1, MAX_IDS))
    all = Flag(validate=validate.OneOf([True]), metadata={"description": "Every dead letter of the queue."})

    @validates_schema
    def one_of_two(self, data: dict[str, Any], **_: Any) -> None:
        _one_of_two(data)


class ChosenQuery(Strict):
    """The same in a query: one of the two."""

    ids = fields.String(
        validate=[
            validate.Length(max=17 * MAX_IDS_OF_QUERY),
            Whole(IDS_PATTERN, error="Not a list of ids."),
        ],
        metadata={"description": "Ids, divided by commas."},
    )
    all = QueryFlag(
        validate=validate.OneOf([True]), metadata={"description": "Every dead letter of the queue."}
    )

    @validates_schema
    def one_of_two(self, data: dict[str, Any], **_: Any) -> None:
        _one_of_two(data)


class QueueSchema(Schema):
    name = fields.Enum(Queue, by_value=fields.String, required=True)
    paused = fields.Boolean(required=True)
    pausedAt = Moment(required=True, allow_none=True)
    waiting = Count(required=True)
    delayed = Count(required=True)
    running = Count(required=True)
    completed = Count(required=True, metadata={"description": "Of those that are still kept."})
    failed = Count(required=True, metadata={"description": "Dead letters."})
    oldestWaitingS = fields.Float(required=True)
    completedPerMinute = fields.Float(required=True)
    failedPerMinute = fields.Float(required=True)
    ratePerS = fields.Float(required=True, metadata={"description": "The limit; 0: there is none."})
    garbage = Count(
        required=True, allow_none=True, metadata={"description": "Messages kept aside; null: Redis is away."}
    )


class AttemptSchema(Schema):
    attempt = Count(required=True)
    at = Moment(required=True)
    error = fields.String(required=True)


class FailedJobSchema(Schema):
    id = Id(required=True)
    kind = fields.String(required=True)
    payload = fields.Dict(required=True)
    attempts = Count(required=True)
    crashCount = Count(required=True, metadata={"description": "Workers that ended while they ran it."})
    error = fields.String(required=True)
    history = fields.List(fields.Nested(AttemptSchema), required=True)
    createdAt = Moment(required=True)
    failedAt = Moment(required=True)


class ChangedSchema(Schema):
    jobs = Count(required=True, metadata={"description": "How many it were."})


class QueueRoutes:
    def __init__(self, queues: QueueAdministration) -> None:
        self._queues = queues

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/queues", self.overview),
            web.get("/queues/{queue}/failed", self.failed),
            web.delete("/queues/{queue}/failed", self.discard),
            web.post("/queues/{queue}/retry", self.retry),
            web.post("/queues/{queue}/pause", self.pause),
            web.post("/queues/{queue}/resume", self.resume),
        ]

    @docs(tags=["queues"], operationId="listQueues", summary="How the queues stand")
    @response_schema(page_of(QueueSchema), 200)
    @response_schema(ProblemSchema, 403, description="You are no admin")
    @rate_limited(Rate.READS)
    async def overview(self, request: web.Request) -> web.Response:
        _require_admin(request)
        return serializers.page_response(request, Page(await self._queues.overview(), None), _status)

    @docs(
        tags=["queues"],
        operationId="listFailedJobs",
        summary="List the jobs that were given up, newest first",
    )
    @querystring_schema(PageQuery)
    @response_schema(page_of(FailedJobSchema), 200)
    @response_schema(ProblemSchema, 403, description="You are no admin")
    @response_schema(ProblemSchema, 404, description="No such queue")
    @rate_limited(Rate.READS)
    async def failed(self, request: web.Request) -> web.Response:
        page = await self._queues.failed(_queue(request), page_request(request))
        return serializers.page_response(request, page, _dead_letter)

    @docs(
        tags=["queues"],
        operationId="retryFailedJobs",
        summary="Run failed jobs again, with all their attempts",
    )
    @json_schema(Chosen)
    @response_schema(ChangedSchema, 200)
    @response_schema(ProblemSchema, 403, description="You are no admin")
    @response_schema(ProblemSchema, 404, description="No such queue")
    @rate_limited(Rate.WRITES)
    async def retry(self, request: web.Request) -> web.Response:
        ids = request[BODY].get("ids")
        return await _changed(request, self._queues.retry, ids)

    @docs(tags=["queues"], operationId="discardFailedJobs", summary="Delete failed jobs for good")
    @querystring_schema(ChosenQuery)
    @response_schema(ChangedSchema, 200)
    @response_schema(ProblemSchema, 403, description="You are no admin")
    @response_schema(ProblemSchema, 404, description="No such queue")
    @rate_limited(Rate.WRITES)
    async def discard(self, request: web.Request) -> web.Response:
        ids: str | None = request[QUERY].get("ids")
        return await _changed(request, self._queues.discard, None if ids is None else ids.split(","))

    @docs(
        tags=["queues"],
        operationId="pauseQueue",
        summary="Start no more jobs of a queue; those that run are finished",
    )
    @response_schema(None, 204)
    @response_schema(ProblemSchema, 403, description="You are no admin")
    @response_schema(ProblemSchema, 404, description="No such queue")
    @rate_limited(Rate.WRITES)
    async def pause(self, request: web.Request) -> web.Response:
        await self._queues.pause(_queue(request))
        return web.Response(status=204)

    @docs(
        tags=["queues"],
        operationId="resumeQueue",
        summary="Let a paused queue run again",
    )
    @response_schema(None, 204)
    @response_schema(ProblemSchema, 403, description="You are no admin")
    @response_schema(ProblemSchema, 404, description="No such queue")
    @rate_limited(Rate.WRITES)
    async def resume(self, request: web.Request) -> web.Response:
        await self._queues.resume(_queue(request))
        return web.Response(status=204)


def _require_admin(request: web.Request) -> None:
    if current_principal(request).role is not Role.ADMIN:
        raise Forbidden("Only administrators may see and change the queues.")


def _queue(request: web.Request) -> Queue:
    """The queue of the path, for an administrator. Raises Forbidden before NotFound."""
    _require_admin(request)
    return queue_named(request.match_info["queue"])


async def _changed(
    request: web.Request,
    change: Callable[[Queue, Sequence[int] | None], Awaitable[int]],
    ids: Sequence[str] | None,
) -> web.Response:
    chosen = None if ids is None else [int(text) for text in ids]
    return serializers.json_response({"jobs": await change(_queue(request), chosen)})


def _status(status: QueueStatus) -> dict[str, Any]:
    return {
        "name": status.queue,
        "paused": status.paused_at_ms is not None,
        "pausedAt": None if status.paused_at_ms is None else isoformat(status.paused_at_ms),
        "waiting": status.waiting,
        "delayed": status.delayed,
        "running": status.running,
        "completed": status.completed,
        "failed": status.dead,
        "oldestWaitingS": status.oldest_waiting_s,
        "completedPerMinute": status.completed_per_minute,
        "failedPerMinute": status.failed_per_minute,
        "ratePerS": status.rate_per_s,
        "garbage": status.garbage,
    }


def _dead_letter(letter: FailedJob) -> dict[str, Any]:
    return {
        "id": str(letter.id),
        "kind": letter.kind,
        "payload": letter.payload,
        "attempts": letter.attempts,
        "crashCount": letter.crash_count,
        "error": letter.error,
        "history": [
            {"attempt": each["attempt"], "at": isoformat(each["atMs"]), "error": each["error"]}
            for each in letter.history
        ],
        "createdAt": isoformat(letter.created_at_ms),
        "failedAt": isoformat(letter.failed_at_ms),
    }
