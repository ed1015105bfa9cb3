"""`/queues`: job counts, failed jobs, pause and resume, for administrators."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.http.operations import Rate, Reply, operation
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request
from server.handlers.operations.queue_schemas import (
    ChangedJobsSchema,
    FailedJobsBody,
    FailedJobSchema,
    FailedJobsQuery,
    JobQueueSchema,
    QueueHistorySchema,
)
from server.handlers.schemas import PageQuery, page_of
from server.ids import UserId
from server.paging import Page
from server.services.jobs.event_jobs import Queue
from server.services.jobs.queue_administration import FailedJob, QueueAdministration, queue_named
from server.services.jobs.queue_figures import QueueFigures, QueueMinute
from server.services.jobs.queue_overview import QueueStatus
from server.services.moderation.queue_operations import QueueOperations


class QueueRoutes:
    def __init__(
        self, queues: QueueAdministration, figures: QueueFigures, operations: QueueOperations
    ) -> None:
        self._queues = queues
        self._figures = figures
        self._operations = operations

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/queues", self.list_queues),
            web.get("/queues/history", self.get_queue_history),
            web.get("/queues/{queue}/failed", self.list_failed_jobs),
            web.delete("/queues/{queue}/failed", self.discard_failed_jobs),
            web.post("/queues/{queue}/retry", self.retry_failed_jobs),
            web.post("/queues/{queue}/pause", self.pause_queue),
            web.post("/queues/{queue}/resume", self.resume_queue),
        ]

    @operation(
        "listQueues",
        "List the queues with their job counts and rates",
        tag="queues",
        description="Whether each is paused, and the jobs that wait, run and failed, counted every five seconds.",
        responds={200: page_of(JobQueueSchema)},
        admin=True,
        rates=(Rate.READS,),
    )
    async def list_queues(self, request: web.Request) -> web.Response:
        return serializers.page_response(request, Page(await self._queues.overview(), None), _status)

    @operation(
        "getQueueHistory",
        "Get the last hour of every queue, minute by minute",
        tag="queues",
        description="Oldest first. Minutes in which no process counted the jobs are missing.",
        responds={200: QueueHistorySchema},
        admin=True,
        rates=(Rate.READS,),
    )
    async def get_queue_history(self, _: web.Request) -> web.Response:
        history = await self._figures.history()
        items = [
            {"queue": queue, "minutes": [_minute(minute) for minute in minutes]}
            for queue, minutes in history.items()
        ]
        return serializers.json_response({"items": items})

    @operation(
        "listFailedJobs",
        "List the jobs that failed permanently, newest first",
        tag="queues",
        description="With the attempts and the error of each.",
        codes={404: ("no_such_queue",)},
        query=PageQuery,
        responds={200: page_of(FailedJobSchema)},
        admin=True,
        refuses={404: "Queue not found"},
        rates=(Rate.READS,),
    )
    async def list_failed_jobs(self, request: web.Request) -> web.Response:
        page = await self._queues.failed(_queue(request), page_request(request))
        return serializers.page_response(request, page, _failed_job)

    @operation(
        "retryFailedJobs",
        "Run failed jobs again, with a fresh set of attempts",
        tag="queues",
        description="Some by their ids, or all.",
        codes={404: ("no_such_queue",)},
        body=FailedJobsBody,
        responds={200: ChangedJobsSchema},
        admin=True,
        refuses={404: "Queue not found"},
        rates=(Rate.WRITES,),
    )
    async def retry_failed_jobs(self, request: web.Request) -> web.Response:
        ids = request[BODY].get("ids")
        return await _changed(request, self._operations.retry, ids)

    @operation(
        "discardFailedJobs",
        "Delete failed jobs permanently",
        tag="queues",
        description="Some by their ids, or all. Their effect is lost.",
        codes={404: ("no_such_queue",)},
        query=FailedJobsQuery,
        responds={200: ChangedJobsSchema},
        admin=True,
        refuses={404: "Queue not found"},
        rates=(Rate.WRITES,),
    )
    async def discard_failed_jobs(self, request: web.Request) -> web.Response:
        return await _changed(request, self._operations.discard, request[QUERY].get("ids"))

    @operation(
        "pauseQueue",
        "Pause a queue; running jobs are finished",
        tag="queues",
        description="Jobs are still accepted, and wait. A paused queue survives restarts.",
        codes={404: ("no_such_queue",)},
        responds={204: Reply("Paused")},
        admin=True,
        refuses={404: "Queue not found"},
        rates=(Rate.WRITES,),
    )
    async def pause_queue(self, request: web.Request) -> web.Response:
        await self._operations.pause(current_principal(request).user_id, _queue(request))
        return web.Response(status=204)

    @operation(
        "resumeQueue",
        "Resume a paused queue",
        tag="queues",
        description="Has no effect on a queue that is not paused.",
        codes={404: ("no_such_queue",)},
        responds={204: Reply("Resumed")},
        admin=True,
        refuses={404: "Queue not found"},
        rates=(Rate.WRITES,),
    )
    async def resume_queue(self, request: web.Request) -> web.Response:
        await self._operations.resume(current_principal(request).user_id, _queue(request))
        return web.Response(status=204)


def _queue(request: web.Request) -> Queue:
    """Return the queue of the path. Raises NotFound."""
    return queue_named(request.match_info["queue"])


async def _changed(
    request: web.Request,
    change: Callable[[UserId, Queue, Sequence[int] | None], Awaitable[int]],
    ids: Sequence[str] | None,
) -> web.Response:
    chosen = None if ids is None else [int(text) for text in ids]
    changed = await change(current_principal(request).user_id, _queue(request), chosen)
    return serializers.json_response({"jobs": changed})


def _minute(minute: QueueMinute) -> dict[str, Any]:
    return {
        "at": isoformat(minute.at_ms),
        "unfinished": minute.unfinished,
        "completed": minute.completed,
        "failed": minute.failed,
    }


def _status(status: QueueStatus) -> dict[str, Any]:
    return {
        "name": status.queue,
        "paused": status.paused_at_ms is not None,
        "pausedAt": None if status.paused_at_ms is None else isoformat(status.paused_at_ms),
        "waiting": status.waiting,
        "delayed": status.delayed,
        "running": status.running,
        "completed": status.completed,
        "failed": status.failed,
        "oldestWaitingS": status.oldest_waiting_s,
        "completedPerMinute": status.completed_per_minute,
        "failedPerMinute": status.failed_per_minute,
        "ratePerS": status.rate_per_s,
        "rejectedMessages": status.rejected_messages,
    }


def _failed_job(job: FailedJob) -> dict[str, Any]:
    return {
        "id": str(job.id),
        "kind": job.kind,
        "payload": job.payload,
        "attempts": job.attempts,
        "crashCount": job.crash_count,
        "error": job.error,
        "history": [
            {"attempt": each.attempt, "at": isoformat(each.at_ms), "error": each.error}
            for each in job.history
        ],
        "createdAt": isoformat(job.created_at_ms),
        "failedAt": isoformat(job.failed_at_ms),
    }
