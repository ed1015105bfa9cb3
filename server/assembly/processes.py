"""Description of this process for the others."""

import os
import socket
from collections.abc import Mapping

from server.actors.supervisor import Supervisor
from server.assembly.resources import Instrumentation
from server.outages import Problem
from server.services.jobs.processes import ProcessDescription, ProcessPart, ProcessProblem
from server.version import VERSION

MAX_REASON = 300


def describe_process(
    role: str, started_at_ms: int, supervisor: Supervisor, instrumentation: Instrumentation
) -> str:
    """Return the description of this process at the moment, as JSON."""
    found: Mapping[str, Problem | None] = {
        "database": instrumentation.database.problem,
        "redis": instrumentation.redis.problem,
        "smtp": instrumentation.smtp.problem,
        "fcm": instrumentation.fcm.problem,
    }
    return ProcessDescription(
        role=role,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=VERSION,
        started_at_ms=started_at_ms,
        parts=[
            ProcessPart(task.name, task.state, task.restarts)
            for task in supervisor.actors
            if task.state != "stopped"
        ],
        problems=[
            ProcessProblem(name, problem.state, problem.since_ms, problem.reason[:MAX_REASON])
            for name, problem in found.items()
            if problem is not None
        ],
        feed_pages=instrumentation.metrics.feed_pages(),
    ).dump()
