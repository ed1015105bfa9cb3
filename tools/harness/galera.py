"""A Galera cluster of three MariaDB nodes that all accept writes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.harness.servers import MariaDB, find_program, free_port

NODES = 3
PROVIDERS = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so")
# A node of a busy machine that is silent for 5 s would be excluded.
SILENCE = "evs.suspect_timeout=PT30S;evs.inactive_timeout=PT60S"
LEFT_OUT = shutil.ignore_patterns("galera.cache", "gvwstate.dat")


def galera_missing() -> str | None:
    """Return why no cluster can run here, or None."""
    if _provider() is None or find_program("rsync") is None:
        return "galera-4 or rsync is not installed"
    return None


@contextmanager
def galera_cluster(folder: Path, *, durable: bool = False) -> Iterator[list[MariaDB]]:
    """Start three nodes on the same empty data, without a state transfer; stop them at the end."""
    ports = [free_port() for _ in range(NODES)]
    nodes: list[MariaDB] = []
    saved = folder / "galera-state"
    try:
        for number, port in enumerate(ports):
            members = ",".join(f"127.0.0.1:{each}" for each in ports[:number])
            node = MariaDB(folder / f"galera{number}", durable=durable, options=_options(port, members))
            nodes.append(node)
            if number == 0:
                node.install().stop()
                shutil.copytree(node.folder / "data", saved, ignore=LEFT_OUT)
                node.start()
                continue
            # The state of the first node from before this start, so that no state transfer is necessary.
            shutil.copytree(saved, node.folder / "data")
            # Started by root, the receiver of the last step of joining runs as another user.
            for each in (folder, node.folder, node.folder / "data"):
                each.chmod(0o777)
            node.configure()
            node.start()
        yield nodes
    finally:
        for node in reversed(nodes):
            node.stop()
            shutil.rmtree(node.folder, ignore_errors=True)
        shutil.rmtree(saved, ignore_errors=True)


def _options(port: int, members: str) -> dict[str, object]:
    return {
        "wsrep-on": "ON",
        "wsrep-provider": _provider(),
        "wsrep-cluster-name": "photos",
        "wsrep-cluster-address": f"gcomm://{members}",
        "wsrep-node-address": f"127.0.0.1:{port}",
        "wsrep-provider-options": f"base_port={port};gcache.size=16M;{SILENCE}",
        "wsrep-sst-method": "rsync",
        "wsrep-sst-receive-address": f"127.0.0.1:{free_port()}",
        "binlog-format": "ROW",
        "innodb-autoinc-lock-mode": "2",
    }


def _provider() -> str | None:
    return next((path for path in PROVIDERS if Path(path).exists()), None)
