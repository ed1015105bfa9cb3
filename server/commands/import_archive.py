"""`python run.py import`: imports the archive of an account."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from server.clock import moment
from server.control import ImportContext, open_import_context
from server.errors import AppError
from server.ids import UserId
from server.services.portability.archive_layouts import check_account, read_account
from server.services.portability.archive_reader import ArchiveReader
from server.services.portability.imported_account import ArchivedAccount
from server.services.portability.imports import PlannedPost
from server.settings import Settings

MAX_SKIPPED_SHOWN = 50
WIDTH = 140


async def import_archive(settings: Settings, username: str, file: Path, *, dry_run: bool) -> int:
    """Import an archive for a user. Return exit code 1 if a part of it cannot be imported.

    The whole archive is checked before anything is written. Raises InvalidArchive, NotFound and ConfigurationError.
    """
    console = Console(width=None if Console().is_terminal else WIDTH)
    with await asyncio.to_thread(ArchiveReader.open, file) as archive:
        account = await asyncio.to_thread(read_account, archive)
        with _bar(console, "checking", len(account.posts)) as (bars, task):
            await asyncio.to_thread(
                check_account, archive, account, settings.uploads.max_file_bytes, lambda: bars.advance(task)
            )
        async with open_import_context(settings) as context:
            user_id = await context.find_user(username)
            planned = await context.imports.plan(user_id, account)
            _print_plan(console, account, planned)
            if not dry_run:
                await _run(console, context, user_id, archive, account, planned)
    _print_skipped(console, account)
    return 1 if account.skipped else 0


async def _run(
    console: Console,
    context: ImportContext,
    user_id: UserId,
    archive: ArchiveReader,
    account: ArchivedAccount,
    planned: list[PlannedPost],
) -> None:
    done = 0
    with _bar(console, "importing", len(planned)) as (bars, task):

        def advance() -> None:
            nonlocal done
            done += 1
            bars.advance(task)

        try:
            imported = await context.imports.import_posts(user_id, archive, account, planned, advance)
            changed = await context.imports.import_profile(user_id, archive, account)
        except AppError as error:
            error.detail = (
                f"{error.reason} {done} of {len(planned)} posts were processed: run the command again."
            )
            raise
    profile = f" Set in the profile: {', '.join(changed)}." if changed else ""
    if imported or changed:
        console.print(f"Imported {imported} posts.{profile}")
    else:
        console.print("Everything was imported before: nothing was changed.")


@contextmanager
def _bar(console: Console, text: str, total: int) -> Iterator[tuple[Progress, TaskID]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        yield bars, bars.add_task(text, total=total)


def _print_plan(console: Console, account: ArchivedAccount, planned: list[PlannedPost]) -> None:
    of = f" of {account.username}" if account.username else ""
    known = len(account.posts) - len(planned)
    before = f", {known} of them imported before" if known else ""
    console.print(f"An export of {account.origin}{of}: {len(account.posts)} posts{before}.", highlight=False)
    if planned:
        pictures = sum(len(each.post.pictures) for each in planned)
        first, last = (f"{moment(each.post.at_ms):%Y-%m-%d}" for each in (planned[0], planned[-1]))
        console.print(f"To import: {len(planned)} posts with {pictures} pictures, from {first} to {last}.")


def _print_skipped(console: Console, account: ArchivedAccount) -> None:
    for skipped in account.skipped[:MAX_SKIPPED_SHOWN]:
        console.print(f"Not imported: {skipped.what}: {skipped.why}", markup=False, highlight=False)
    if len(account.skipped) > MAX_SKIPPED_SHOWN:
        console.print(f"... and {len(account.skipped) - MAX_SKIPPED_SHOWN} more.")
