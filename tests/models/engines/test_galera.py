"""Three processes migrate three nodes of a Galera cluster at once: the migrations are applied once."""

import asyncio
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.models.migrations import Migrations
from tests.support.schemas import FOLDER, opened
from tools.harness.backends import DatabaseParameters
from tools.harness.servers import DB_PASSWORD, DB_USERNAME, MariaDB, find_program, free_port

PROVIDERS = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so")
SILENCE = "evs.suspect_timeout=PT30S;evs.inactive_timeout=PT60S"
LEFT_OUT = shutil.ignore_patterns("galera.cache", "gvwstate.dat")
MIGRATE = """
import asyncio, sys
from pathlib import Path
from server.models.database import Database, DatabaseParameters
from server.models.migrations import Migrations

async def main():
    folder, port, username, password = sys.argv[1:]
    database = Database(
        DatabaseParameters(
            host="127.0.0.1", port=int(port), username=username, password=password, name="photos", timeout_s=30.0
        )
    )
    await database.open()
    print(len(await Migrations(database, Path(folder), wait_s=200).upgrade()))
    await database.close()

asyncio.run(main())
"""


@pytest.fixture
def cluster(scratch: Path, mariadb_stack_runs: None) -> Iterator[list[MariaDB]]:
    """Three nodes that all accept writes."""
    provider = next((path for path in PROVIDERS if Path(path).exists()), None)
    if provider is None or find_program("rsync") is None:
        pytest.skip("galera-4 or rsync is not installed")
    ports = [free_port() for _ in range(3)]
    nodes: list[MariaDB] = []
    saved = scratch / "galera-state"
    try:
        for number, port in enumerate(ports):
            members = ",".join(f"127.0.0.1:{each}" for each in ports[:number])
            options = {
                "wsrep-on": "ON",
                "wsrep-provider": provider,
                "wsrep-cluster-name": "tests",
                "wsrep-cluster-address": f"gcomm://{members}",
                "wsrep-node-address": f"127.0.0.1:{port}",
                # A node of a busy machine that is silent for 5 s would be excluded.
                "wsrep-provider-options": f"base_port={port};gcache.size=16M;{SILENCE}",
                "wsrep-sst-method": "rsync",
                "wsrep-sst-receive-address": f"127.0.0.1:{free_port()}",
                "binlog-format": "ROW",
                "innodb-autoinc-lock-mode": "2",
            }
            node = MariaDB(scratch / f"galera{number}", options=options)
            nodes.append(node)
            if number == 0:
                node.install().stop()
                shutil.copytree(node.folder / "data", saved, ignore=LEFT_OUT)
                node.start()
                continue
            # The state of the first node from before this start, so that no state transfer is necessary.
            shutil.copytree(saved, node.folder / "data")
            # Started by root, the receiver of the last step of joining runs as another user.
            for folder in (scratch, node.folder, node.folder / "data"):
                folder.chmod(0o777)
            node.configure()
            node.start()
        yield nodes
    finally:
        for node in reversed(nodes):
            node.stop()


@pytest.mark.timeout(240)
async def test_three_nodes_are_migrated_once(cluster: list[MariaDB]) -> None:
    for node in cluster:
        assert node.query("SHOW STATUS LIKE 'wsrep_cluster_size'").split() == ["wsrep_cluster_size", "3"]
    cluster[0].query("CREATE DATABASE photos")

    async def migrate(node: MariaDB) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", MIGRATE, str(FOLDER), str(node.port), DB_USERNAME, DB_PASSWORD),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode().strip()

    applied = await asyncio.gather(*map(migrate, cluster))
    known = 0
    for node in cluster:
        where = DatabaseParameters(
            host="127.0.0.1", port=node.port, username=DB_USERNAME, password=DB_PASSWORD, name="photos"
        )
        async with opened(where) as database:
            known = len(Migrations(database, FOLDER).known())
            assert await database.rows("SELECT COUNT(*) AS applied FROM aerich") == [{"applied": known}]
    assert sorted(applied) == ["0", "0", str(known)]
