"""A migration that is killed at any statement can be repeated, and ends with the same schema."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.errors import ConfigurationError
from server.models.migrations import Migrations
from server.models.schema.progress import Step, open_progress
from server.models.schema.schema_state import SchemaStateRepository
from tests.support.schemas import opened, schema_of, with_migration
from tools.harness.backends import ROOT, Stack

LEASE_S = 0.05
# Every seventh point meets all kinds: before and after a statement, a record, and a commit.
STRIDE = 1 if os.environ.get("CHAOS") == "full" else 7
MIN_KILLS = {"sqlite": 4, "mysql": 12}
CHANGED = ("users", "later")
UP = (
    "CREATE TABLE IF NOT EXISTS later (id INT NOT NULL PRIMARY KEY)",
    "ALTER TABLE users ADD later INT NOT NULL DEFAULT 0",
    "UPDATE users SET later = later + 1",
    "/* batches */ UPDATE users SET later = 7 WHERE later = 1",
    "CREATE INDEX idx_later ON users (later)",
    "ALTER TABLE users RENAME COLUMN bio TO biography",
    "INSERT INTO later (id) VALUES (1)",
)
DOWN = {
    "sqlite": (
        "DELETE FROM later WHERE id = 1",
        "ALTER TABLE users RENAME COLUMN biography TO bio",
        "DROP INDEX idx_later",
        "ALTER TABLE users DROP COLUMN later",
        "DROP TABLE later",
    ),
    "mysql": (
        "DELETE FROM later WHERE id = 1",
        "ALTER TABLE users RENAME COLUMN biography TO bio",
        "ALTER TABLE users DROP INDEX idx_later",
        "ALTER TABLE users DROP COLUMN later",
        "DROP TABLE later",
    ),
}
# Reads lines `up 3` and forks a process for each, which kills itself before or after a statement: both are counted.
MIGRATE = """
import asyncio, os, signal, sys
from pathlib import Path
from contextlib import asynccontextmanager
from types import SimpleNamespace
from server.models.schema import progress
from server.models.database import Database, DatabaseParameters
from server.models.migrations import Migrations

folder, previous, lease_s, file, host, port, username, password, name = sys.argv[1:]
remaining = 0

def count():
    global remaining
    remaining -= 1
    if remaining < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def killing(method):
    async def run(*arguments):
        counted = not any(str(argument).startswith(("SELECT", "SET")) for argument in arguments)
        counted and count()
        result = await method(*arguments)
        counted and count()
        return result
    return run

class KillingConnection:
    # The driver's classes are compiled, so their methods cannot be replaced.
    def __init__(self, connection):
        self._connection = connection
        self.commit = killing(connection.commit)
        self.begin, self.rollback, self.close = connection.begin, connection.rollback, connection.close

    @asynccontextmanager
    async def cursor(self):
        async with self._connection.cursor() as cursor:
            yield SimpleNamespace(execute=killing(cursor.execute), fetchone=cursor.fetchone)

connect = progress.connect_beside_pool

async def connect_to_kill(where, init_command):
    return KillingConnection(await connect(where, init_command))

async def main(action):
    where = dict(host=host, port=int(port), username=username, password=password, name=name)
    database = Database(DatabaseParameters(file=Path(file)) if file else DatabaseParameters(**where))
    await database.open()
    migrations = Migrations(database, Path(folder), lease_s=float(lease_s))
    if file:
        Database.execute = killing(Database.execute)
    else:
        progress.connect_beside_pool = connect_to_kill
    if action == "up":
        await migrations.upgrade()
    else:
        await migrations.downgrade(await migrations.reversible(previous))
    await database.close()

for line in sys.stdin:
    child = os.fork()
    if not child:
        action, at = line.split()
        remaining = int(at)
        try:
            asyncio.run(main(action))
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Migrator:
    """Migrates in processes that kill themselves."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, action: str, at: int) -> bool:
        """Migrate up or down; kill the process at point `at`. Return whether it was killed."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{action} {at}\n".encode())
        code = int(await stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code != 0


@asynccontextmanager
async def migrator(stack: Stack, folder: Path, previous: str) -> AsyncIterator[Migrator]:
    where = stack.database_parameters()
    address = (where.file or "", where.host, where.port, where.username, where.password, where.name)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", MIGRATE),
        *map(str, (folder, previous, LEASE_S, *address)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Migrator(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def add_user(stack: Stack) -> None:
    async with opened(stack.database_parameters()) as database:
        await database.execute(
            "INSERT INTO users (id, username, username_key, email, email_key, password_hash,"
            " password_changed_at_ms, full_name, bio, website, avatar_key, role, posts_count, followers_count,"
            " following_count, created_at_ms) VALUES (1, 'ana', 'ana', '', '1', '', 0, '', 'Hello', '', '', 'user',"
            " 0, 0, 0, 0)"
        )


@pytest.mark.timeout(300)
async def test_migration_killed_at_each_statement_can_be_repeated(
    migrated_stack: Stack, tmp_path: Path
) -> None:
    where = migrated_stack.database_parameters()
    folder = with_migration(tmp_path / "migrations", 999, UP, DOWN[where.dialect], compatible_from=999)
    await add_user(migrated_stack)
    async with opened(where) as database:
        migrations = Migrations(database, folder)
        before, previous = await schema_of(database), migrations.known()[-2]
        await migrations.upgrade()
        after = await schema_of(database, *CHANGED)
        await migrations.downgrade(await migrations.reversible(previous))
        assert await schema_of(database) == before
        assert after != {table: parts for table, parts in before.items() if table in CHANGED}
        async with migrator(migrated_stack, folder, previous) as killed:
            kills = 0
            for at in range(0, 200, STRIDE):
                up = await killed.run("up", at)
                await migrations.upgrade()
                assert await schema_of(database, *CHANGED) == after
                rows = await database.rows("SELECT later, biography FROM users")
                assert rows == [{"later": 7, "biography": "Hello"}]
                assert await database.rows("SELECT id FROM later") == [{"id": 1}]
                down = await killed.run("down", at)
                await migrations.downgrade(await migrations.reversible(previous))
                assert await database.rows("SELECT bio FROM users") == [{"bio": "Hello"}]
                kills += up + down
                if not (up or down):
                    break
        assert await schema_of(database) == before
    assert kills >= MIN_KILLS[where.dialect]


async def test_error_is_not_taken_for_a_repeated_statement(migrated_stack: Stack, tmp_path: Path) -> None:
    where = migrated_stack.database_parameters()
    up = ("CREATE TABLE later (id INT NOT NULL PRIMARY KEY)", "ALTER TABLE users ADD bio INT")
    folder = with_migration(tmp_path / "migrations", 999, up, ("DROP TABLE later",))
    async with opened(where) as database:
        migrations = Migrations(database, folder)
        for _ in range(
            2
        ):  # the second attempt fails as the first one, although it starts with the failed statement
            with pytest.raises(Exception, match=r"(?i)duplicate column"):
                await migrations.upgrade()
        assert await migrations.pending() == [migrations.known()[-1]]


async def test_paused_migrator_records_nothing_after_losing_its_lease(
    migrated_stack: Stack, tmp_path: Path
) -> None:
    where = migrated_stack.database_parameters()
    if where.dialect == "sqlite":
        pytest.skip("a file lock of the kernel ends with its process only")
    folder = with_migration(tmp_path / "migrations", 999, UP, DOWN["mysql"])
    async with opened(where) as database:
        states = SchemaStateRepository(database, lease_ms=0)
        await states.create()
        assert await states.claim("first")
        async with open_progress(database, "first") as progress:
            assert await states.claim("second")
            with pytest.raises(ConfigurationError, match="took over"):
                await progress.run(Step("999_later.py", "up", UP, 0), await states.get())
        await states.release("second")
        assert await Migrations(database, folder).upgrade() == ["999_20991231235959_later.py"]
