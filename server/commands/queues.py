"""`python run.py queues`: shows the queues, pauses and resumes them, and lists, retries and discards failed jobs."""

import asyncio
import shlex
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta

import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from server.clock import isoformat
from server.control import open_admin_context
from server.errors import InvalidInput, Unavailable
from server.ids import MAX_ID
from server.paging import PageRequest
from server.services.jobs.event_jobs import Queue
from server.services.jobs.queue_administration import FailedJob, QueueAdministration, queue_named
from server.services.jobs.queue_overview import QueueStatus
from server.settings import Settings

REFRESH_S = 1.0
PAGE = 50
PIPE_WIDTH = 200
WIDE = 120  # terminal columns from which all figures fit
FIGURES = ("WAITING", "DELAYED", "RUNNING", "DONE", "FAILED", "OLDEST")
WIDE_FIGURES = ("DONE/MIN", "FAILED/MIN", "LIMIT/S", "REJECTED")


async def show(settings: Settings, *, once: bool) -> int:
    """Show the queues: refreshed until Ctrl-C in a terminal, otherwise once."""
    async with open_admin_context(settings) as control:
        if once or not sys.stdout.isatty():
            console = _console()
            console.print(_table(await control.queues.overview(), console.width))
        else:
            await _show_live(control.queues)
    return 0


async def failed(settings: Settings, queue_name: str) -> int:
    """List all failed jobs of a queue, newest first."""
    queue = queue_named(queue_name)
    async with open_admin_context(settings) as control:
        page = await control.queues.failed(queue, PageRequest(PAGE))
        if not page.items:
            print(f"{queue} has no failed jobs.")
            return 0
        while True:
            for job in page.items:
                print(_description(job))
            if page.next_cursor is None:
                return 0
            page = await control.queues.failed(queue, PageRequest(PAGE, page.items[-1].id))


async def retry(settings: Settings, queue_name: str, ids: Sequence[str], *, everything: bool) -> int:
    """Retry failed jobs. Return 1 if none was found."""
    queue, chosen = queue_named(queue_name), _parse_ids("retry", queue_name, ids, everything)
    async with open_admin_context(settings) as control:
        changed = await control.queues.retry(queue, chosen)
    return _report(changed, queue, chosen, "retry", "will be retried")


async def discard(settings: Settings, queue_name: str, ids: Sequence[str], *, everything: bool) -> int:
    """Delete failed jobs. Return 1 if none was found."""
    queue, chosen = queue_named(queue_name), _parse_ids("discard", queue_name, ids, everything)
    async with open_admin_context(settings) as control:
        changed = await control.queues.discard(queue, chosen)
    return _report(changed, queue, chosen, "discard", "deleted")


async def pause(settings: Settings, queue_name: str) -> int:
    """Pause a queue."""
    queue = queue_named(queue_name)
    async with open_admin_context(settings) as control:
        await control.queues.pause(queue)
    print(f"{queue} is paused. To start its jobs again: python run.py queues resume {queue}")
    return 0


async def resume(settings: Settings, queue_name: str) -> int:
    """Resume a queue."""
    queue = queue_named(queue_name)
    async with open_admin_context(settings) as control:
        await control.queues.resume(queue)
    print(f"{queue} is running.")
    return 0


def _parse_ids(verb: str, queue: str, ids: Sequence[str], everything: bool) -> list[int] | None:
    """Return the ids, or None for all. Raises InvalidInput."""
    if bool(ids) == everything:
        raise InvalidInput(
            f"Give the ids of the jobs to {verb}, or --all. To list them: python run.py queues failed {queue}"
        )
    for text in ids:
        if not (text.isascii() and text.isdigit() and int(text) <= MAX_ID):
            raise InvalidInput(f"Invalid job id {shlex.quote(text)}: expected a number.")
    return None if everything else [int(text) for text in ids]


def _report(changed: int, queue: Queue, chosen: Sequence[int] | None, verb: str, done: str) -> int:
    if changed == 0:
        print(f"Nothing to {verb}: {queue} has no {'' if chosen is None else 'such '}failed jobs.")
        return 1
    print(f"{_jobs(changed)} {done}.")
    missing = 0 if chosen is None else len(set(chosen)) - changed
    if missing:
        ids = "1 id was" if missing == 1 else f"{missing} ids were"
        print(f"{ids} not found among the failed jobs of {queue}.")
    return 0


async def _show_live(queues: QueueAdministration) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    console = _console()
    view = _table(await queues.overview(), console.width)
    with Live(view, auto_refresh=False, console=console) as live:
        while not stop.is_set():
            note = "Press Ctrl-C to exit."
            try:
                view = _table(await queues.overview(), console.width)
            except Unavailable as error:
                note = f"{error.reason} The figures are out of date."
            live.update(Group(view, Text(note, style="dim")), refresh=True)
            try:
                async with asyncio.timeout(REFRESH_S):
                    await stop.wait()
            except TimeoutError:
                continue


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, color_system=None)


def _table(statuses: Sequence[QueueStatus], width: int) -> Table:
    wide = width >= WIDE
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("QUEUE")
    table.add_column("STATE")
    for title in (*FIGURES, *WIDE_FIGURES) if wide else FIGURES:
        table.add_column(title, justify="right")
    for status in statuses:
        paused = status.paused_at_ms is not None
        table.add_row(
            status.queue,
            Text("paused", style="yellow") if paused else Text("running", style="green"),
            str(status.waiting),
            str(status.delayed),
            str(status.running),
            str(status.completed),
            Text(str(status.failed), style="red" if status.failed else ""),
            _age(status.oldest_waiting_s) if status.waiting else "-",
            *(_wide_figures(status) if wide else ()),
        )
    return table


def _wide_figures(status: QueueStatus) -> tuple[str | Text, ...]:
    return (
        f"{status.completed_per_minute:g}",
        Text(f"{status.failed_per_minute:g}", style="red" if status.failed_per_minute else ""),
        f"{status.rate_per_s:g}" if status.rate_per_s else "none",
        _rejected(status.rejected_messages),
    )


def _age(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def _rejected(messages: int | None) -> Text:
    if messages is None:
        return Text("no Redis", style="yellow")
    return Text(str(messages), style="yellow" if messages else "")


def _description(job: FailedJob) -> str:
    attempts = "1 attempt" if job.attempts == 1 else f"{job.attempts} attempts"
    crashes = f", crashed {job.crash_count} worker(s)" if job.crash_count else ""
    return (
        f"{job.id}  {job.kind}  failed {isoformat(job.failed_at_ms)} after {attempts}{crashes}\n"
        f"    {job.error or 'no error was recorded'}\n"
        f"    {orjson.dumps(job.payload).decode()}"
    )


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
