"""Files and folders below VAR_DIR are accessible to the program's own user only."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

WRITTEN = ("photofeed.sqlite3", "secrets.json", "outbox", "tmp", "media", "redis")


@pytest.fixture
def lenient_umask() -> Iterator[None]:
    """The umask that a program inherits: it creates files that everybody can read."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, str]:
    """Return the files and folders, `folder` included, that others can reach, with their modes."""
    found = {path: path.lstat().st_mode for path in (folder, *folder.rglob("*"))}
    return {str(path): stat.filemode(mode) for path, mode in found.items() if mode & 0o077}


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_files_below_the_data_folder_are_private(
    lenient_umask: None, new_program: NewProgram, register: Register, stack: Stack
) -> None:
    var = stack.var_dir / "private"
    given = {"VAR_DIR": str(var), "JWT_SECRET": None, "JWT_REFRESH_SECRET": None, "APP_ENV": None}
    program = await new_program("--port=0", cold=True, **given).start()
    ana, bob = await register(program, "ana", "bob")
    post = await ana.publish(photos.small())
    await bob.like(post["id"])
    await wait_until(lambda: any((var / "outbox").glob("*")), what="an e-mail in the outbox")
    assert {path.name for path in var.iterdir()} >= set(WRITTEN)
    assert any((var / "media").rglob("*.jpg"))
    assert open_to_others(var) == {}
    assert await program.interrupt() == 0
    assert open_to_others(var) == {}
