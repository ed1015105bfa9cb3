"""R22: SQLite's disk is full, at every statement of a transaction and at COMMIT; nothing is lost, and it recovers."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.errors import Unavailable
from server.ids import PostId, UserId
from server.services.jobs.event_jobs import JobKind
from tests.chaos.conftest import Report
from tests.chaos.environment import rounds
from tools.harness.backends import ROOT
from tools.harness.services import ServiceHarness

pytestmark = pytest.mark.chaos
ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)

LONG = "x" * 2000


async def limit_pages(harness: ServiceHarness, more: int | None) -> None:
    """Allow the file to grow by `more` pages; None removes the limit."""
    ((count),) = [row["page_count"] for row in await harness.rows("PRAGMA page_count")]
    pages = 2**31 - 2 if more is None else count + more
    await harness.rows(f"PRAGMA max_page_count = {pages}")


async def fill(harness: ServiceHarness, author: UserId, post: PostId) -> int:
    """Comment until the disk is full; return how many comments were acknowledged."""
    acknowledged = 0
    try:
        while True:
            await harness.comments.add(author, post, LONG, None)
            acknowledged += 1
    except Unavailable:
        return acknowledged


async def assert_consistent(harness: ServiceHarness, post: PostId, acknowledged: int) -> None:
    """Assert that exactly the acknowledged comments exist, each counted and with its job."""
    assert await harness.value("SELECT COUNT(*) FROM comments WHERE post_id = ?", post) == acknowledged
    assert await harness.value("SELECT comments_count FROM posts WHERE id = ?", post) == acknowledged
    jobs = await harness.value("SELECT COUNT(*) FROM jobs WHERE kind = ?", JobKind.NOTIFY_COMMENT)
    assert jobs == acknowledged
    assert (await harness.rows("PRAGMA integrity_check"))[0]["integrity_check"] == "ok"


@ON_EMBEDDED
async def test_full_disk_keeps_acknowledged_changes(harness: ServiceHarness, report: Report) -> None:
    author, fan = await harness.users(2)
    post, acknowledged = await harness.post(author), 0
    for more in range(rounds(12, 200)):  # the limit is met at another statement each time
        await limit_pages(harness, more % 12)
        acknowledged += await fill(harness, fan, post)
        await assert_consistent(harness, post, acknowledged)
        await limit_pages(harness, None)
        await harness.comments.add(fan, post, LONG, None)
        acknowledged += 1
    report(
        f"R22: {rounds(12, 200)} times full, {acknowledged} acknowledged comments, none lost or half written"
    )


COMMITS = """
import asyncio, sys
from pathlib import Path
from server.errors import Unavailable
from server.models.database import Database, DatabaseParameters

async def main():
    disk = Path(sys.argv[1])
    database = Database(DatabaseParameters(file=disk / "full.sqlite3"))
    await database.open()
    try:
        await fill(disk, database)
    finally:
        await database.close()
    print("done")

async def fill(disk, database):
    await database.execute("CREATE TABLE written (number INTEGER PRIMARY KEY, text TEXT)")
    acknowledged, refused = [], 0
    for turn in range(int(sys.argv[2])):
        (disk / "filler").write_bytes(bytes(3_500_000 + turn % 7 * 1500))
        while True:
            number = len(acknowledged) + refused + 1
            try:
                async with database.transaction():
                    for part in range(3):
                        row = [number * 10 + part, "x" * 3000]
                        await database.execute("INSERT INTO written VALUES (?, ?)", row)
            except Unavailable:
                refused += 1
                break
            acknowledged.append(number)
        (disk / "filler").unlink()
        await database.execute("INSERT INTO written VALUES (?, '')", [10_000_000 + turn])
        await database.execute("DELETE FROM written WHERE number >= 10000000")
        found = await database.rows("SELECT number FROM written ORDER BY number")
        assert [row["number"] for row in found] == [n * 10 + part for n in acknowledged for part in range(3)]
        assert (await database.rows("PRAGMA integrity_check"))[0]["integrity_check"] == "ok"
        await database.execute("DELETE FROM written")
        await database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        acknowledged, refused = [], 0

asyncio.run(main())
"""


def test_real_disk_full_at_any_write(tmp_path: Path, report: Report) -> None:
    """Use a file system of four megabytes in a private mount namespace; the write-ahead log fails at COMMIT, too."""
    disk = tmp_path / "disk"
    disk.mkdir()
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=4m none "$1"'
    trial = (
        subprocess.run([*namespace, mount, "sh", str(disk)], check=False) if shutil.which("unshare") else None
    )
    if trial is None or trial.returncode != 0:
        pytest.skip("no mount namespaces here")
    turns = rounds(7, 100)
    arguments = ["sh", str(disk), sys.executable, COMMITS, str(turns)]
    script = f'{mount} && exec "$2" -c "$3" "$1" "$4"'
    ended = subprocess.run(
        [*namespace, script, *arguments], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
    report(f"R22: a real disk full {turns} times, each acknowledged transaction whole, none half written")
