"""`python run.py doctor feeds`: compares the feeds in Redis with the database, and repairs them."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from server.control import open_consistency_check
from server.ids import UserId
from server.services.feed.consistency_check import ConsistencyCheck, Difference
from server.settings import Settings

MAX_ROWS = 50
PLAIN_WIDTH = 140


@dataclass(slots=True)
class Report:
    """What was compared, by name, and what differs."""

    compared: dict[str, int] = field(default_factory=dict[str, int])
    differences: list[Difference] = field(default_factory=list[Difference])


async def feeds(settings: Settings, username: str | None, *, fix: bool) -> int:
    """The exit code: 1 if something differs and was left as it is."""
    async with open_consistency_check(settings) as checkup:
        user_id = None if username is None else await checkup.user_named(username)
        console = Console(width=None if Console().is_terminal else PLAIN_WIDTH)
        report = await _compare(console, checkup, user_id, fix)
        shown = {each.owner_id for each in report.differences[:MAX_ROWS]}
        names = await checkup.usernames(sorted(shown))
    _tell(console, report, names, fix=fix)
    return 1 if report.differences and not fix else 0


async def _compare(console: Console, checkup: ConsistencyCheck, user_id: UserId | None, fix: bool) -> Report:
    report = Report()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}
        async for step in checkup.run(user_id, fix=fix):
            if step.name not in bars:
                bars[step.name] = progress.add_task(step.name, total=step.total)
            progress.update(bars[step.name], completed=step.done, total=step.total)
            report.compared[step.name] = step.done
            report.differences += step.differences
    return report


def _tell(console: Console, report: Report, names: dict[int, str], *, fix: bool) -> None:
    compared = ", ".join(f"{count} {name}" for name, count in report.compared.items()) or "nothing is kept"
    if not report.differences:
        console.print(f"Compared with the database: {compared}. Nothing differs.")
        return
    table = Table("WHAT", "OF", "HOW IT DIFFERS", box=None)
    for each in report.differences[:MAX_ROWS]:
        table.add_row(
            each.what, names.get(each.owner_id, str(each.owner_id or "-")), each.told() or "outdated"
        )
    console.print(table)
    if len(report.differences) > MAX_ROWS:
        console.print(f"... and {len(report.differences) - MAX_ROWS} more.")
    done = (
        "dropped, to be built again when they are wanted" if fix else "left as they are: --fix repairs them"
    )
    console.print(
        f"Compared with the database: {compared}. {len(report.differences)} differ, and were {done}."
    )
