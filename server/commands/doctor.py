"""`python run.py doctor`: compares cached feeds with the database, and finds what is left of an erased account."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from server.control import open_consistency_check, open_leftover_search
from server.errors import ConfigurationError
from server.ids import UserId
from server.services.feed.consistency_check import ConsistencyCheck, Difference
from server.settings import Settings

MAX_ROWS = 50
REPORT_WIDTH = 140


@dataclass(slots=True)
class Report:
    """Number of compared objects by kind, and their differences."""

    compared: dict[str, int] = field(default_factory=dict[str, int])
    differences: list[Difference] = field(default_factory=list[Difference])


async def check_feeds(settings: Settings, username: str | None, *, fix: bool) -> int:
    """Check all feeds or one user's. Return exit code 1 if there are differences that were not repaired."""
    async with open_consistency_check(settings) as check:
        user_id = None if username is None else await check.find_user(username)
        console = Console(width=None if Console().is_terminal else REPORT_WIDTH)
        report = await _compare(console, check, user_id, fix)
        owners = {each.owner_id for each in report.differences[:MAX_ROWS]}
        names = await check.get_usernames(sorted(owners))
    _print_report(console, report, names, fix=fix)
    return 1 if report.differences and not fix else 0


async def check_account(settings: Settings, user: str | None) -> int:
    """Print where a user, given by id or name, is still named. Return exit code 1 if there is anything."""
    if user is None:
        raise ConfigurationError("No account is given: run `run.py doctor account ID`.")
    async with open_leftover_search(settings) as search:
        user_id = await search.find_user(user)
        if user_id is None:
            raise ConfigurationError(f"There is no user {user!r}: pass the id that the log event has.")
        found = await search.find(user_id)
    console = Console(width=None if Console().is_terminal else REPORT_WIDTH)
    if not found:
        console.print(f"Nothing is left of user {user_id}.")
        return 0
    console.print(
        f"User {user_id} is named by: {', '.join([*found.columns, *found.redis_keys, *found.outbox_files])}."
    )
    return 1


async def _compare(console: Console, check: ConsistencyCheck, user_id: UserId | None, fix: bool) -> Report:
    report = Report()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bars: dict[str, TaskID] = {}
        async for step in check.run(user_id, fix=fix):
            if step.name not in bars:
                bars[step.name] = progress.add_task(step.name, total=step.total)
            progress.update(bars[step.name], completed=step.done, total=step.total)
            report.compared[step.name] = step.done
            report.differences += step.differences
    return report


def _print_report(console: Console, report: Report, names: dict[int, str], *, fix: bool) -> None:
    compared = ", ".join(f"{count} {name}" for name, count in report.compared.items()) or "nothing is cached"
    if not report.differences:
        console.print(f"Compared with the database: {compared}. No differences.")
        return
    table = Table("WHAT", "OWNER", "DIFFERENCE", box=None)
    for each in report.differences[:MAX_ROWS]:
        owner = names.get(each.owner_id, str(each.owner_id or "-"))
        table.add_row(each.kind, owner, each.describe() or "outdated")
    console.print(table)
    if len(report.differences) > MAX_ROWS:
        console.print(f"... and {len(report.differences) - MAX_ROWS} more.")
    outcome = "deleted; they are rebuilt on demand" if fix else "not repaired; use --fix to repair them"
    console.print(f"Compared with the database: {compared}. {len(report.differences)} differ: {outcome}.")
