"""Files and folders of the program that only its own user may reach."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

OTHERS = 0o077


def make_private(folder: Path) -> int:
    """Take access to `folder` and what it contains from other users, and return the number of corrected modes.

    A folder that is private already is not searched: others cannot reach what is in it. So many files do
    not delay a start. Links are not followed. What belongs to another user, or has an access control list, is left
    as it is: an operator has chosen that.
    """
    corrected = sum(_restrict(path) for path in _open_paths(folder))
    if corrected:
        log.warning("file_modes_corrected", folder=str(folder), files=corrected)
    return corrected


def _open_paths(folder: Path) -> Iterator[Path]:
    """Yield what others may reach: `folder` last, so that an interrupted correction is repeated."""
    try:
        if not _is_open(folder):
            return
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                yield from _open_paths(Path(entry.path))
            elif _is_open(Path(entry.path)):
                yield Path(entry.path)
    except OSError:
        return
    yield folder


def _is_open(path: Path) -> bool:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or not found.st_mode & OTHERS or found.st_uid != os.getuid():
        return False
    return not _has_access_list(path)


def _has_access_list(path: Path) -> bool:
    if sys.platform != "linux":
        return False
    try:
        return bool(os.getxattr(path, "system.posix_acl_access", follow_symlinks=False))
    except OSError:  # it has none, or the file system has none
        return False


def _restrict(path: Path) -> int:
    try:
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~OTHERS)
    except OSError:  # it was removed since then, or the file system has no modes
        return 0
    return 1
