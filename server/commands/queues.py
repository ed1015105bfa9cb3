"""`python run.py queues`: shows the queues to a person, live, and steers them."""

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
from server.services.jobs.queue_administration import FailedJob, QueueAdministration, QueueStatus, queue_named
from server.settings import Settings

REFRESH_S = 1.0
PAGE = 50
PLAIN_WIDTH = 200
WIDE = 120  # columns of a terminal that has room for all of them
FIGURES = ("WAITING", "DELAYED", "RUNNING", "DONE", "FAILED", "OLDEST")
MORE_FIGURES = ("DONE/MIN", "FAILED/MIN", "LIMIT/S", "GARBAGE")


async def show(settings: Settings, *, once: bool) -> int:
    """The table of the queues: live in a terminal until Ctrl-C, printed once elsewhere."""
    async with open_admin_context(settings) as control:
        if once or not sys.stdout.isatty():
            console = _console()
            console.print(_table(await control.queues.overview(), console.width))
        else:
            await _show_live(control.queues)
    return 0


async def failed(settings: Settings, queue_name: str) -> int:
    """List every dead letter of a queue, newest first."""
    queue = queue_named(queue_name)
    async with open_admin_context(settings) as control:
        page = await control.queues.failed(queue, PageRequest(PAGE))
        if not page.items:
            print(f"There are no dead letters in {queue}.")
            return 0
        while True:
            for letter in page.items:
                print(_described(letter))
            if page.next_cursor is None:
                return 0
            page = await control.queues.failed(queue, PageRequest(PAGE, page.items[-1].id))


async def retry(settings: Settings, queue_name: str, ids: Sequence[str], *, everything: bool) -> int:
    """Make dead letters ready again; exit code 1 if there was none of these."""
    queue, chosen = queue_named(queue_name), _chosen("retry", queue_name, ids, everything)
    async with open_admin_context(settings) as control:
        changed = await control.queues.retry(queue, chosen)
    return _told(changed, queue, chosen, "retry", "will be run again")


async def discard(settings: Settings, queue_name: str, ids: Sequence[str], *, everything: bool) -> int:
    """Delete dead letters; exit code 1 if there was none of these."""
    queue, chosen = queue_named(queue_name), _chosen("discard", queue_name, ids, everything)
    async with open_admin_context(settings) as control:
        changed = await control.queues.discard(queue, chosen)
    return _told(changed, queue, chosen, "discard", "deleted")


async def pause(settings: Settings, queue_name: str) -> int:
    queue = queue_named(queue_name)
    async with open_admin_context(settings) as control:
        await control.queues.pause(queue)
    print(f"{queue} is paused: no job of it starts until `python run.py queues resume {queue}`.")
    return 0


async def resume(settings: Settings, queue_name: str) -> int:
    queue = queue_named(queue_name)
    async with open_admin_context(settings) as control:
        await control.queues.resume(queue)
    print(f"{queue} runs.")
    return 0


def _chosen(verb: str, queue: str, ids: Sequence[str], everything: bool) -> list[int] | None:
    """The ids, or None for all. Raises InvalidInput."""
    if bool(ids) == everything:
        raise InvalidInput(
            f"Name the jobs to {verb}, or say --all: python run.py queues {verb} {queue} 123 456 (their ids are in"
            f" `python run.py queues failed {queue}`)."
        )
    wrong = [text for text in ids if not (text.isascii() and text.isdigit() and int(text) <= MAX_ID)]
    if wrong:
        raise InvalidInput(f"{shlex.quote(wrong[0])} is no job's id: those are numbers.")
    return None if everything else [int(text) for text in ids]


def _told(changed: int, queue: Queue, chosen: Sequence[int] | None, verb: str, done: str) -> int:
    if changed == 0:
        print(f"Nothing to {verb}: {queue} has no {'' if chosen is None else 'such '}dead letters.")
        return 1
    print(f"{changed} job(s) {done}.")
    missing = 0 if chosen is None else len(set(chosen)) - changed
    if missing:
        print(f"{missing} of the ids are no dead letters of {queue}.")
    return 0


async def _show_live(queues: QueueAdministration) -> None:
    leave = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave.set)
    console = _console()
    view = _table(await queues.overview(), console.width)
    with Live(view, auto_refresh=False, console=console) as live:
        while not leave.is_set():
            note = "Ctrl-C leaves"
            try:
                view = _table(await queues.overview(), console.width)
            except Unavailable as error:
                note = f"{error.reason} These figures are old."
            live.update(Group(view, Text(note, style="dim")), refresh=True)
            try:
                async with asyncio.timeout(REFRESH_S):
                    await leave.wait()
            except TimeoutError:
                continue


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH, color_system=None)


def _table(statuses: Sequence[QueueStatus], width: int) -> Table:
    wide = width >= WIDE
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("QUEUE")
    table.add_column("STATE")
    for title in (*FIGURES, *MORE_FIGURES) if wide else FIGURES:
        table.add_column(title, justify="right")
    for status in statuses:
        paused = status.paused_at_ms is not None
        table.add_row(
            status.queue,
            Text("paused", style="yellow") if paused else Text("runs", style="green"),
            str(status.waiting),
            str(status.delayed),
            str(status.running),
            str(status.completed),
            Text(str(status.dead), style="red" if status.dead else ""),
            _age(status.oldest_waiting_s) if status.waiting else "-",
            *(_more(status) if wide else ()),
        )
    return table


def _more(status: QueueStatus) -> tuple[str | Text, ...]:
    return (
        f"{status.completed_per_minute:g}",
        Text(f"{status.failed_per_minute:g}", style="red" if status.failed_per_minute else ""),
        f"{status.rate_per_s:g}" if status.rate_per_s else "none",
        _garbage(status.garbage),
    )


def _age(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def _garbage(messages: int | None) -> Text:
    if messages is None:
        return Text("Redis away", style="yellow")
    return Text(str(messages), style="yellow" if messages else "")


def _described(letter: FailedJob) -> str:
    crash_count = f", {letter.crash_count} worker(s) died of it" if letter.crash_count else ""
    return (
        f"{letter.id}  {letter.kind}  failed {isoformat(letter.failed_at_ms)} after {letter.attempts} attempt(s)"
        f"{crash_count}\n    {letter.error or 'no error was noted'}\n    {orjson.dumps(letter.payload).decode()}"
    )
