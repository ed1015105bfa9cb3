"""`python run.py search rebuild` and `doctor search`: make the search index again, and compare it with the database."""

from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from server.control import open_index_administration
from server.services.discovery.search_check import SearchDifference
from server.settings import Settings

MAX_ROWS = 50
REPORT_WIDTH = 140


async def rebuild_search(settings: Settings) -> int:
    """Rebuild the index with a progress bar. If it is interrupted, the next call goes on."""
    console, done = _console(), dict[str, int]()
    async with open_index_administration(settings) as administration:
        with _progress(console) as progress:
            bars: dict[str, TaskID] = {}
            async for step in administration.rebuild.rebuild():
                name = step.kind.plural
                if name not in bars:
                    bars[name] = progress.add_task(name, total=step.total)
                progress.update(bars[name], completed=step.done, total=step.total)
                done[name] = step.done
    console.print(f"Indexed {', '.join(f'{count} {name}' for name, count in done.items())}.")
    return 0


async def check_search(settings: Settings, *, fix: bool) -> int:
    """Print how the index differs from the database. Return exit code 1 if it does and was not repaired."""
    console, compared, found = _console(), dict[str, int](), list[SearchDifference]()
    counts: Counter[str] = Counter()
    async with open_index_administration(settings) as administration:
        with _progress(console) as progress:
            bars: dict[str, TaskID] = {}
            async for step in administration.check.run(fix=fix):
                if step.name not in bars:
                    bars[step.name] = progress.add_task(step.name, total=None)
                progress.update(bars[step.name], completed=step.compared)
                compared[step.name] = step.compared
                found += step.differences[: MAX_ROWS - len(found)]
                counts.update(each.problem for each in step.differences)
    _print_report(console, compared, found, counts, fix=fix)
    return 1 if counts and not fix else 0


def _print_report(
    console: Console,
    compared: dict[str, int],
    found: list[SearchDifference],
    counts: Counter[str],
    *,
    fix: bool,
) -> None:
    looked = ", ".join(f"{count} {name}" for name, count in compared.items()) or "nothing is indexed"
    if not counts:
        console.print(f"Compared the search index with the database: {looked}. No differences.")
        return
    table = Table("WHAT", "ID", "PROBLEM", box=None)
    for each in found:
        table.add_row(each.kind.name.lower(), str(each.subject_id), each.problem)
    console.print(table)
    if counts.total() > len(found):
        console.print(f"... and {counts.total() - len(found)} more.")
    outcome = "repaired" if fix else "not repaired; use --fix to repair them"
    console.print(
        f"Compared the search index with the database: {looked}. {counts.total()} differ: {outcome}."
    )


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _console() -> Console:
    return Console(width=None if Console().is_terminal else REPORT_WIDTH)
