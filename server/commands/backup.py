"""`python run.py backup`, `restore` and `move`: copies of an installation."""

import sys
from pathlib import Path

from server.assembly import backups
from server.assembly.claims import data_folder
from server.settings import Settings

WIDTH = 24


async def backup(settings: Settings, folder: Path, *, verify_only: bool) -> int:
    """Write a backup to `folder`, or compare one with its checksums."""
    if verify_only:
        manifest = backups.verify(folder, show_progress)
        end_progress()
        print(
            f"The backup of {manifest.created_at} is complete: {_describe(manifest.tables, manifest.pictures)}."
        )
        return 0
    manifest = await backups.make_backup(settings, data_folder(settings), folder, show_progress)
    end_progress()
    print(f"Backed up {_describe(manifest.tables, manifest.pictures)} to {folder}.")
    return 0


async def restore(settings: Settings, folder: Path, *, as_copy: bool) -> int:
    """Restore a backup into an empty installation."""
    advice = await backups.restore_backup(
        settings, data_folder(settings), folder, show_progress, as_copy=as_copy
    )
    end_progress()
    print("Restored. What was cached before is ignored.", *advice, sep="\n")
    return 0


async def move(settings: Settings, database: str | None, media: str | None) -> int:
    """Copy the embedded database to a server, or the pictures to a bucket."""
    if media is not None:
        count = await backups.move_media(settings, data_folder(settings), media, show_progress)
        end_progress()
        print(f"Copied {count} file(s). Set MEDIA_URL={media} and start the server.")
    if database is not None:
        file = await backups.move_database(settings, data_folder(settings), database, show_progress)
        end_progress()
        print(f"Moved. Copy the settings and secrets in {file} into .env, and start the server.")
    return 0


def show_progress(what: str, done: int, total: int) -> None:
    """Draw a progress bar on a terminal."""
    if sys.stderr.isatty():
        filled = WIDTH * done // total if total else 0
        of = f"/{total}" if total else ""
        sys.stderr.write(f"\r{what:20} {'#' * filled:{WIDTH}} {done}{of}\033[K")
        sys.stderr.flush()


def end_progress() -> None:
    """Remove the progress bar."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")


def _describe(tables: dict[str, int], pictures: int) -> str:
    return f"{sum(tables.values())} row(s) and {pictures} picture file(s)"
