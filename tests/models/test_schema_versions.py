"""The rule that lets two releases run side by side: expand first, contract a release later."""

import json

import pytest

from server.models.schema.migration_file import (
    FIRST_COMPATIBLE,
    breaking_statements,
    list_files,
    split_statements,
)
from tests.support.schemas import FOLDER


@pytest.mark.parametrize("dialect", ["sqlite", "mysql"])
async def test_migrations_that_break_older_versions_declare_it(dialect: str) -> None:
    releases: dict[str, int] = json.loads((FOLDER / "releases.json").read_text())
    for file in list_files(FOLDER / dialect / "models"):
        broken = breaking_statements(await file.statements("up"))
        declared = file.declared_compatibility
        if file.number <= FIRST_COMPATIBLE:
            continue
        assert not broken or declared is not None, f"{file.name}: declare COMPATIBLE_FROM because of {broken}"
        # Expand first, contract a release later: the release before must run on the contracted schema.
        before = max((schema for schema in releases.values() if schema < file.number), default=0)
        assert declared is None or not broken or before < FIRST_COMPATIBLE or declared <= before, file.name


@pytest.mark.parametrize(
    ("statement", "breaks"),
    [
        ("ALTER TABLE `a` ADD `b` INT", False),
        ("ALTER TABLE `a` ADD `b` INT NOT NULL DEFAULT 0", False),
        ("ALTER TABLE `a` ADD `b` INT NOT NULL", True),
        ("ALTER TABLE `a` ADD UNIQUE INDEX `c` (`b`)", False),
        ("ALTER TABLE `a` DROP COLUMN `b`", True),
        ("ALTER TABLE `a` DROP INDEX `b`", False),
        ("ALTER TABLE `a` RENAME COLUMN `b` TO `c`", True),
        ("ALTER TABLE `a` MODIFY COLUMN `b` BIGINT", True),
        ("DROP TABLE IF EXISTS `a`", True),
        ("UPDATE `a` SET `b` = 'DROP TABLE c'", False),
        ("CREATE TABLE `a` (`b` INT NOT NULL)", False),
    ],
)
def test_breaking_statements_are_recognised(statement: str, breaks: bool) -> None:
    assert breaking_statements([statement]) == [statement] * breaks


def test_statements_are_split_at_their_ends_only() -> None:
    script = """
        CREATE TABLE `a` (`b` INT) COMMENT='One; two';
        CREATE TRIGGER "t" BEFORE UPDATE ON "a" BEGIN SELECT RAISE(ABORT, 'No; never.'); END;
        UPDATE a SET b = ';'"""
    assert split_statements(script) == [
        "CREATE TABLE `a` (`b` INT) COMMENT='One; two'",
        """CREATE TRIGGER "t" BEFORE UPDATE ON "a" BEGIN SELECT RAISE(ABORT, 'No; never.'); END""",
        "UPDATE a SET b = ';'",
    ]
