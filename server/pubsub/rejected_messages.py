"""Validation of messages in a queue's streams: a valid one names the task and one job id.

Rejected messages are counted and logged here; `streams.py` moves them to another stream.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import structlog
from taskiq import TaskiqMessage

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

# Labels that would change how the receiver runs a job; only the job's row decides that.
FORBIDDEN_LABELS = frozenset({"ack_type", "timeout"})
MAX_JOB_ID = (1 << 63) - 1
LOG_EVERY_S = 5.0


class RejectReason(StrEnum):
    """Why a message is rejected."""

    NO_DATA = "no_data"
    UNDECODABLE = "undecodable"
    UNKNOWN_TASK = "unknown_task"
    BAD_ARGUMENTS = "bad_arguments"
    FOREIGN_LABEL = "foreign_label"


def reject_reason(
    data: bytes | None, decode: Callable[[bytes], TaskiqMessage], task_name: str
) -> RejectReason | None:
    """Return why `data` is not a message that runs `task_name` for one job id; None if it is."""
    if data is None:
        return RejectReason.NO_DATA
    try:
        message = decode(data)
        message.parse_labels()
    except (ValueError, TypeError, RecursionError):
        return RejectReason.UNDECODABLE
    if message.task_name != task_name:
        return RejectReason.UNKNOWN_TASK
    if not _is_one_job_id(message.args, message.kwargs):
        return RejectReason.BAD_ARGUMENTS
    return None if FORBIDDEN_LABELS.isdisjoint(message.labels) else RejectReason.FOREIGN_LABEL


def _is_one_job_id(args: list[Any], kwargs: dict[str, Any]) -> bool:
    values = [*args, *kwargs.values()]
    if len(values) != 1 or not kwargs.keys() <= {"job_id"}:
        return False
    return type(values[0]) is int and 0 < values[0] <= MAX_JOB_ID


class RejectionReports:
    """Counts rejected messages through `on_rejected` and logs at most one line per five seconds."""

    def __init__(self, queue: str, on_rejected: Callable[[RejectReason], None] | None) -> None:
        self._queue = queue
        self._on_rejected = on_rejected
        self._unlogged = 0
        self._logged_at = -LOG_EVERY_S

    def report(self, reason: RejectReason) -> None:
        """Record one rejected message."""
        if self._on_rejected:
            self._on_rejected(reason)
        self._unlogged += 1
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            log.warning(
                "message_rejected", queue=self._queue, messages=self._unlogged, last_reason=reason.value
            )
            self._unlogged, self._logged_at = 0, now
