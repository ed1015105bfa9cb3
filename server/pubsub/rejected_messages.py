"""What a queue's streams may hold: messages that ring for one job. Everything else is garbage, with a reason.

Judges and reports; moving the entry aside is the streams' work.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import structlog
from taskiq import TaskiqMessage

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

# Labels with which a message could tell the receiver how to run it; that is the row's business.
FOREIGN_LABELS = frozenset({"ack_type", "timeout"})
MAX_JOB_ID = (1 << 63) - 1
LOG_EVERY_S = 5.0


class RejectReason(StrEnum):
    """Why an entry is garbage."""

    NO_DATA = "no_data"
    UNDECODABLE = "undecodable"
    UNKNOWN_TASK = "unknown_task"
    BAD_ARGUMENTS = "bad_arguments"
    FOREIGN_LABEL = "foreign_label"


def reject_reason(
    data: bytes | None, decode: Callable[[bytes], TaskiqMessage], task_name: str
) -> RejectReason | None:
    """What keeps `data` from being a message that runs `task_name` for one job id; None: nothing does."""
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
    return None if FOREIGN_LABELS.isdisjoint(message.labels) else RejectReason.FOREIGN_LABEL


def _is_one_job_id(args: list[Any], kwargs: dict[str, Any]) -> bool:
    values = [*args, *kwargs.values()]
    if len(values) != 1 or not kwargs.keys() <= {"job_id"}:
        return False
    return type(values[0]) is int and 0 < values[0] <= MAX_JOB_ID


class RejectionReports:
    """Counts garbage through `count`, and logs it in one line every five seconds at most."""

    def __init__(self, queue: str, count: Callable[[RejectReason], None] | None) -> None:
        self._queue = queue
        self._count = count
        self._unlogged = 0
        self._logged_at = -LOG_EVERY_S

    def report(self, flaw: RejectReason) -> None:
        """Note one entry that was set aside."""
        if self._count:
            self._count(flaw)
        self._unlogged += 1
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            log.warning("garbage_set_aside", queue=self._queue, entries=self._unlogged, last=flaw.value)
            self._unlogged, self._logged_at = 0, now
