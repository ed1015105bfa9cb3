"""`/jobs` and the delayed jobs of queues, for administrators."""

from aiohttp import web

from server.handlers import serializers
from server.handlers.http.operations import Rate, operation
from server.handlers.http.requests import BODY, QUERY, current_principal, path_id
from server.handlers.operations.job_schemas import (
    DelayedJobsBody,
    DelayedJobsQuery,
    JobListSchema,
    JobSchema,
    job_entry,
)
from server.handlers.operations.queue_schemas import ChangedJobsSchema
from server.ids import JobId
from server.services.jobs.job_search import JobSearch
from server.services.jobs.queue_administration import queue_named
from server.services.moderation.queue_operations import QueueOperations


class JobRoutes:
    def __init__(self, jobs: JobSearch, operations: QueueOperations) -> None:
        self._jobs = jobs
        self._operations = operations

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/jobs/{jobId}", self.get_job),
            web.get("/queues/{queue}/delayed", self.list_delayed_jobs),
            web.post("/queues/{queue}/promote", self.promote_jobs),
        ]

    @operation(
        "getJob",
        "Get a job by its id, in any state",
        tag="queues",
        description="With its payload and its failed attempts. Completed jobs are deleted after a while.",
        responds={200: JobSchema},
        admin=True,
        refuses={404: "Job not found"},
        rates=(Rate.READS,),
    )
    async def get_job(self, request: web.Request) -> web.Response:
        job = await self._jobs.get(JobId(path_id(request, "jobId")))
        return serializers.json_response(job_entry(job))

    @operation(
        "listDelayedJobs",
        "List the jobs that wait for a later time",
        tag="queues",
        description="Those that are due next first: jobs that wait for their next attempt, and scheduled ones.",
        codes={404: ("no_such_queue",)},
        query=DelayedJobsQuery,
        responds={200: JobListSchema},
        admin=True,
        refuses={404: "Queue not found"},
        rates=(Rate.READS,),
    )
    async def list_delayed_jobs(self, request: web.Request) -> web.Response:
        queue = queue_named(request.match_info["queue"])
        jobs = await self._jobs.list_delayed(queue, request[QUERY]["limit"])
        return serializers.json_response({"items": [job_entry(job) for job in jobs]})

    @operation(
        "promoteJobs",
        "Start the next attempt of delayed jobs now",
        tag="queues",
        description="Some by their ids, or all. Jobs that were scheduled for a later time are left out, because they do"
        " nothing before it.",
        codes={404: ("no_such_queue",)},
        body=DelayedJobsBody,
        responds={200: ChangedJobsSchema},
        admin=True,
        refuses={404: "Queue not found"},
        rates=(Rate.WRITES,),
    )
    async def promote_jobs(self, request: web.Request) -> web.Response:
        queue, ids = queue_named(request.match_info["queue"]), request[BODY].get("ids")
        chosen = None if ids is None else [int(text) for text in ids]
        promoted = await self._operations.promote(current_principal(request).user_id, queue, chosen)
        return serializers.json_response({"jobs": promoted})
