"""`python run.py migrate`."""

import pytest

from server.commands.migrate import check_schema, migrate, show_plan, undo
from server.errors import ConfigurationError
from server.models.database import Database
from server.models.migrations import Migrations
from tests.support.schemas import FOLDER, opened, schema_of
from tools.harness.backends import Stack


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


async def test_plan_changes_nothing_and_check_says_what_is_pending(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(stack.database_parameters()) as database:
        known = Migrations(database, FOLDER).known()
    settings = stack.settings()
    assert await show_plan(settings) == 0
    plan = printed(capsys)
    assert plan[0] == f"-- {known[0]}"
    assert plan[-1] == f"{len(known)} migration(s) would be applied."
    assert await check_schema(settings) == 1
    assert printed(capsys) == [f"{len(known)} migration(s) are pending: run `python run.py migrate` first."]
    async with opened(stack.database_parameters()) as database:
        assert await schema_of(database) == {}
    assert await migrate(settings) == 0
    assert printed(capsys) == [
        *(f"applying {version}" for version in known),
        f"{len(known)} migration(s) applied.",
    ]
    assert await check_schema(settings) == 0
    assert await migrate(settings) == 0
    assert await show_plan(settings) == 0
    assert printed(capsys) == [*["The database is up to date."] * 2, "Nothing would be applied."]


async def test_undoing_that_deletes_data_needs_a_confirmation(
    migrated_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, where = migrated_stack.settings(), migrated_stack.database_parameters()
    async with opened(where) as database:
        known = Migrations(database, FOLDER).known()
        await add_place(database)
    target = known[known.index(next(name for name in known if name.startswith("46_"))) - 1]
    count = len(known) - 1 - known.index(target)
    with pytest.raises(ConfigurationError, match=r"1 row\(s\) of places.*back up, then add --yes"):
        await undo(settings, str(count), confirmed=False)
    assert await check_schema(settings) == 0
    capsys.readouterr()
    assert await undo(settings, target.removesuffix(".py"), confirmed=True) == 0
    lines = printed(capsys)
    assert lines == [
        *(f"undoing {name}" for name in reversed(known[-count:])),
        f"{count} migration(s) undone.",
    ]
    assert await check_schema(settings) == 1
    assert await migrate(settings) == 0
    async with opened(where) as database:
        assert await database.rows("SELECT * FROM places") == []


async def add_place(database: Database) -> None:
    await database.execute(
        "INSERT INTO places (id, name, name_key, lat, lng, cell, area, posts_count) VALUES (1, 'a', 'a', 0, 0, 0, 0, 0)"
    )


@pytest.mark.parametrize("target", ["9999", "nothing", "46", "-1"])
async def test_invalid_versions_are_refused(migrated_stack: Stack, target: str) -> None:
    if target == "46":
        target = "46_20261130_other"
    with pytest.raises(ConfigurationError):
        await undo(migrated_stack.settings(), target, confirmed=True)
