"""Old and new versions of the program on one database, during an upgrade."""

from pathlib import Path

import pytest

from server.errors import ConfigurationError
from server.models.migrations import Migrations, SchemaStatus
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.schemas import FOLDER, opened, with_migration
from tools.harness.backends import Stack

EXPAND = (
    "ALTER TABLE posts ADD later INT NOT NULL DEFAULT 5",
    "CREATE TABLE later (id INT NOT NULL PRIMARY KEY)",
)
UNDO = ("DROP TABLE `later`", "ALTER TABLE `posts` DROP COLUMN `later`")
VERSION = "999_20991231235959_later"


async def apply(stack: Stack, folder: Path) -> None:
    async with opened(stack.database_parameters()) as database:
        assert await Migrations(database, folder).upgrade() == [f"{VERSION}.py"]


async def test_old_processes_run_and_start_on_an_expanded_schema(
    migrated_stack: Stack, new_program: NewProgram, register: Register, tmp_path: Path
) -> None:
    old = await new_program("--port=0").start()
    ana, ben = await register(old, "ana", "ben")
    await ben.follow(ana)
    await apply(migrated_stack, with_migration(tmp_path / "migrations", 999, EXPAND, UNDO))
    post = await ana.publish(photos.small(), caption="on the newer schema")
    await ben.like(post["id"])
    assert await old.interrupt() == 0
    ana.program = ben.program = await old.start()
    assert old.logged("schema_newer")
    assert [each["caption"] for each in await ben.feed()] == ["on the newer schema"]
    await ana.publish(photos.small(), caption="after a restart")
    async with opened(migrated_stack.database_parameters()) as database:
        rows = await database.rows("SELECT caption, likes_count, later FROM posts ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [("on the newer schema", 1, 5), ("after a restart", 0, 5)]


async def test_old_program_refuses_a_schema_that_left_it_behind(
    migrated_stack: Stack, new_program: NewProgram, tmp_path: Path
) -> None:
    folder = with_migration(tmp_path / "migrations", 999, EXPAND, UNDO, compatible_from=999)
    await apply(migrated_stack, folder)
    for arguments in (("--port=0",), ("migrate",)):
        ended = await new_program(*arguments).spawn().end()
        assert ended.code == 2
        assert "newer version (999_" in ended.err
        assert len(ended.err.splitlines()) == 1
    checked = await new_program("migrate", "--check").spawn().end()
    assert checked.code == 2
    async with opened(migrated_stack.database_parameters()) as database:
        migrations = Migrations(database, folder)
        await migrations.downgrade(await migrations.reversible("1"))
        report = await Migrations(database, FOLDER).report()
        assert report.status is SchemaStatus.CURRENT


async def test_expanded_schema_is_reported_as_usable(migrated_stack: Stack, tmp_path: Path) -> None:
    folder = with_migration(tmp_path / "migrations", 999, EXPAND, UNDO)
    await apply(migrated_stack, folder)
    async with opened(migrated_stack.database_parameters()) as database:
        report = await Migrations(database, FOLDER).report()
        assert report.status is SchemaStatus.NEWER
        with pytest.raises(ConfigurationError, match="only that version can undo"):
            await Migrations(database, FOLDER).reversible("1")
