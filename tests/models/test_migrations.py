"""Migrations on both databases: they match the models, and one process applies them."""

import asyncio
import re
import runpy
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tortoise import Tortoise, connections

from server.errors import ConfigurationError
from server.models.database import Database
from server.models.migrations import Migrations
from tests.support.schemas import FOLDER, another_database, opened, schema_of
from tools.harness.backends import ROOT, Stack

# Tables that Tortoise cannot describe, or that migrations need.
HAND_WRITTEN = {"search_terms", "schema_state"}


async def test_migrations_match_the_models(migrated_stack: Stack) -> None:
    async with opened(migrated_stack.database_parameters()) as database:
        migrated = await schema_of(database)
    with another_database(migrated_stack) as parameters:
        async with opened(parameters, migrating=True) as database:
            await Tortoise.generate_schemas(safe=False)
            generated = await schema_of(database)
    assert set(migrated) - HAND_WRITTEN == set(generated)
    for table, (columns, indexes, foreign_keys) in generated.items():
        assert migrated[table][0] == columns, table
        assert migrated[table][1] == indexes, table
        assert migrated[table][2] == foreign_keys, table


async def test_mysql_tables_use_a_binary_collation(migrated_stack: Stack) -> None:
    async with opened(migrated_stack.database_parameters()) as database:
        if database.dialect == "sqlite":
            pytest.skip("SQLite compares text by its bytes")
        tables = await database.rows(
            "SELECT TABLE_NAME AS name, TABLE_COLLATION AS collation FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = DATABASE()"
        )
        columns = await database.rows(
            "SELECT TABLE_NAME AS name, COLUMN_NAME AS c, COLLATION_NAME AS collation FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = DATABASE() AND COLLATION_NAME IS NOT NULL"
        )
    assert len(tables) >= 10
    assert [row for row in [*tables, *columns] if row["collation"] != "utf8mb4_bin"] == []


async def test_second_upgrade_does_nothing(stack: Stack) -> None:
    async with opened(stack.database_parameters()) as database:
        migrations = Migrations(database, FOLDER)
        steps: list[str] = []
        assert await migrations.upgrade(steps.append) == migrations.known() == steps
        before = await schema_of(database)
        assert await migrations.upgrade(steps.append) == []
        assert steps == migrations.known()
        assert await schema_of(database) == before
        assert await migrations.pending() == []
        await migrations.check()


MIGRATE = """
import asyncio, sys
from pathlib import Path
from server.models.database import Database, DatabaseParameters
from server.models.migrations import Migrations

async def main():
    file, host, port, username, password, name = sys.argv[1:]
    where = dict(host=host, port=int(port), username=username, password=password, name=name)
    database = Database(DatabaseParameters(file=Path(file)) if file else DatabaseParameters(**where))
    await database.open()
    print(len(await Migrations(database, Path("migrations")).upgrade()))
    await database.close()

asyncio.run(main())
"""


async def test_one_of_several_concurrent_processes_migrates(stack: Stack) -> None:
    where = stack.database_parameters()
    arguments = [where.file or "", where.host, where.port, where.username, where.password, where.name]

    async def migrate() -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", MIGRATE, *map(str, arguments)),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode().strip()

    applied = await asyncio.gather(*(migrate() for _ in range(3)))
    async with opened(where) as database:
        known = len(Migrations(database, FOLDER).known())
        assert sorted(applied) == ["0", "0", str(known)]
        rows = await database.rows("SELECT COUNT(*) AS n FROM aerich")
        assert rows == [{"n": known}]


async def test_unmigrated_database_is_refused(stack: Stack) -> None:
    async with opened(stack.database_parameters()) as database:
        migrations = Migrations(database, FOLDER)
        assert await migrations.pending() == migrations.known()
        with pytest.raises(ConfigurationError, match=re.escape("run.py migrate")):
            await migrations.check()


async def test_database_of_a_newer_version_is_refused(migrated_stack: Stack) -> None:
    async with opened(migrated_stack.database_parameters()) as database:
        await database.execute(
            "INSERT INTO aerich (version, app, content) VALUES (?, 'models', '{}')", ["999_29990101_later.py"]
        )
        await database.execute("UPDATE schema_state SET compatible_from = 999")
        with pytest.raises(ConfigurationError, match="newer") as refused:
            await Migrations(database, FOLDER).check()
        assert "999_29990101_later.py" in refused.value.detail


async def test_new_migration_is_pending(migrated_stack: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    async with opened(migrated_stack.database_parameters()) as database:
        migrations = Migrations(database, folder)
        newest = folder / database.dialect / "models" / migrations.known()[-1]
        later = newest.with_name("999_20991231235959_later.py")
        table = "CREATE TABLE later (id INT NOT NULL PRIMARY KEY)"
        text = newest.read_text()
        body = text.index("MODELS_STATE")
        later.write_text(
            "RUN_IN_TRANSACTION = True\n\n\nasync def upgrade(db):\n"
            f'    return "{table}"\n\n\nasync def downgrade(db):\n    return ""\n\n\n{text[body:]}'
        )
        assert await migrations.pending() == [later.name]
        with pytest.raises(ConfigurationError, match="1 migration"):
            await migrations.check()
        assert await migrations.upgrade() == [later.name]
        await migrations.check()
        assert await database.rows("SELECT * FROM later") == []


def _number(file: Path) -> int:
    return int(file.name.partition("_")[0])


class PartialUpgrade:
    """A database with the migrations below a number; `finish` applies the others."""

    def __init__(self, database: Database, folder: Path, first_left_out: int) -> None:
        self._database = database
        self._folder = folder
        files = (folder / database.dialect / "models").glob("*.py")
        later = [file for file in files if _number(file) >= first_left_out]
        self._texts = {file: file.read_text() for file in later}

    async def start(self) -> None:
        for file in self._texts:
            file.unlink()
        await Migrations(self._database, self._folder).upgrade()
        for user_id in (1, 2, 3, 4):
            await self._database.execute(
                "INSERT INTO users (id, username, username_key, email, email_key, password_hash,"
                " password_changed_at_ms, full_name, bio, website, avatar_key, role, posts_count, followers_count,"
                " following_count, created_at_ms) VALUES (?, ?, ?, ?, ?, '', 0, '', '', '', '', 'user', 0, 0, 0, 0)",
                [user_id, *[f"user{user_id}"] * 4],
            )

    async def finish(self) -> None:
        for file, text in self._texts.items():
            file.write_text(text)
        assert len(await Migrations(self._database, self._folder).upgrade()) == len(self._texts)

    async def revert(self) -> None:
        """Undo what `finish` applied, newest first."""
        for file in sorted(self._texts, key=_number, reverse=True):
            module = runpy.run_path(str(file))
            await connections.get("default").execute_script(await module["downgrade"](None))


@asynccontextmanager
async def upgraded_below(
    number: int, stack: Stack, tmp_path: Path
) -> AsyncIterator[tuple[Database, PartialUpgrade]]:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    async with opened(stack.database_parameters()) as database:
        upgrade = PartialUpgrade(database, folder, number)
        await upgrade.start()
        yield database, upgrade


async def test_upgrade_groups_older_likes(stack: Stack, tmp_path: Path) -> None:
    async with upgraded_below(2, stack, tmp_path) as (database, upgrade):
        told = [("like", 2, 7), ("like", 3, 7), ("follow", 2, 1), ("like", 4, 7), ("like", 2, 8)]
        for sequence, (type_, actor_id, target_id) in enumerate(told, start=1):
            await database.execute(
                "INSERT INTO notifications (id, recipient_id, sequence, type, actor_id, target_id, created_at_ms)"
                " VALUES (?, 1, ?, ?, ?, ?, 0)",
                [100 + sequence, sequence, type_, actor_id, target_id],
            )
        await upgrade.finish()
        rows = await database.rows(
            "SELECT sequence, listed, others_count FROM notifications ORDER BY sequence"
        )
        assert [tuple(row.values()) for row in rows] == [
            (1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 1, 2), (5, 1, 0),
        ]  # fmt: skip


async def test_upgrade_keeps_hidden_and_retracted_notifications(stack: Stack, tmp_path: Path) -> None:
    async with upgraded_below(3, stack, tmp_path) as (database, upgrade):
        columns = "id, sequence, type, actor_id, listed, withdrawn, others_count, owed, read_at_ms"
        for values in (
            "101, 1, 'like', 2, 1, 0, 5, 3, 9",
            "102, -102, 'like', 3, 0, 0, 0, 2, NULL",
            "103, 2, 'like', 4, 0, 1, 0, 1, NULL",
            "104, -104, 'follow', 4, 0, 1, 0, 0, NULL",
        ):
            await database.execute(
                f"INSERT INTO notifications ({columns}, recipient_id, target_id, created_at_ms)"
                f" VALUES ({values}, 1, 7, 8)"
            )
        await upgrade.finish()
        rows = await database.rows(
            "SELECT id, sequence, in_app, type, actor_id, listed, retracted, others_count, channels, read_at_ms,"
            " recipient_id, target_id, created_at_ms FROM notifications ORDER BY id"
        )
        assert [tuple(row.values()) for row in rows] == [
            (101, 1, 1, "like", 2, 1, 0, 5, 3, 9, 1, 7, 8),
            (102, None, 0, "like", 3, 0, 0, 0, 2, None, 1, 7, 8),
            (103, 2, 1, "like", 4, 0, 1, 0, 1, None, 1, 7, 8),
            (104, None, 0, "follow", 4, 0, 1, 0, 0, None, 1, 7, 8),
        ]


async def test_upgrade_renames_the_email_queue_and_its_jobs(stack: Stack, tmp_path: Path) -> None:
    async with upgraded_below(3, stack, tmp_path) as (database, upgrade):
        jobs = [
            ("mail", "mail.notification"),
            ("mail", "mail.reset"),
            ("notifications", "notify.withdraw"),
            ("push", "push.notification"),
        ]
        for job_id, (queue, kind) in enumerate(jobs):
            await database.execute(
                "INSERT INTO jobs (id, queue, kind, payload, priority, state, run_at_ms, attempts, deaths, lease,"
                " lease_until_ms, created_at_ms) VALUES (?, ?, ?, '{}', 0, 'ready', 0, 0, 0, '', 0, 0)",
                [job_id, queue, kind],
            )
        await database.execute("INSERT INTO queues (name, paused_at_ms, changed_at_ms) VALUES ('mail', 1, 1)")
        await upgrade.finish()
        rows = await database.rows("SELECT queue, kind FROM jobs ORDER BY id")
        assert [(row["queue"], row["kind"]) for row in rows] == [
            ("email", "email.notification"),
            ("email", "email.password_reset"),
            ("notifications", "notify.retract_comments"),
            ("push", "push.notification"),
        ]
        assert await database.rows("SELECT name FROM queues") == [{"name": "email"}]


async def test_last_migration_can_be_reverted(stack: Stack, tmp_path: Path) -> None:
    async with upgraded_below(3, stack, tmp_path) as (database, upgrade):
        before = await schema_of(database)
        row = "101, 1, -101, 'like', 2, 7, 0, 0"
        columns = "id, recipient_id, sequence, type, actor_id, target_id, created_at_ms, listed"
        await database.execute(f"INSERT INTO notifications ({columns}) VALUES ({row})")
        await upgrade.finish()
        await upgrade.revert()
        assert await schema_of(database) == before
        rows = await database.rows(f"SELECT {columns} FROM notifications")
        assert [tuple(row.values()) for row in rows] == [(101, 1, -101, "like", 2, 7, 0, 0)]


async def test_upgrade_leaves_addresses_unverified_except_sample_data(stack: Stack, tmp_path: Path) -> None:
    async with upgraded_below(7, stack, tmp_path) as (database, upgrade):
        await database.execute("UPDATE users SET email = 'Sample@Example.com' WHERE id = 1")
        await database.execute("UPDATE users SET email_key = 'user1@example.com' WHERE id = 1")
        await upgrade.finish()
        columns = "id, email, email_key, email_verified_at_ms, pending_email, pending_email_key"
        rows = await database.rows(f"SELECT {columns} FROM users WHERE id < 3 ORDER BY id")
        assert [tuple(row.values()) for row in rows] == [
            (1, "Sample@Example.com", "user1@example.com", 0, "", ""),
            (2, "", "2", None, "user2", "user2"),
        ]
        # Of several accounts with one address, the owner has it again, or else the oldest.
        for user_id, address in ((3, "user1@example.com"), (4, "user2")):
            await database.execute("UPDATE users SET pending_email_key = ? WHERE id = ?", [address, user_id])
        await upgrade.revert()
        rows = await database.rows("SELECT id, email, email_key FROM users ORDER BY id")
        assert [tuple(row.values()) for row in rows] == [
            (1, "Sample@Example.com", "user1@example.com"),
            (2, "user2", "user2"),
            (3, "user3", "3"),
            (4, "user4", "4"),
        ]
