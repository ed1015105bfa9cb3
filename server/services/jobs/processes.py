"""The processes of the installation, as each describes itself with every renewal of its node lease."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.models.jobs.cache_generations import CacheState, CacheStateRepository
from server.models.jobs.nodes import LeasedNode, NodeRepository
from server.services.jobs.nodes import LEASE_MS

__all__ = ["CacheState", "Process", "ProcessDescription", "ProcessPart", "ProcessProblem", "Processes"]


@dataclass(frozen=True, slots=True)
class ProcessPart:
    """A long-lived task of a process: `running`, `restarting` or `stopped`."""

    name: str
    state: str
    restarts: int


@dataclass(frozen=True, slots=True)
class ProcessProblem:
    """A dependency that a process cannot use at the moment. `open` and `half_open` are states of a circuit breaker."""

    dependency: str
    state: str
    since_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class ProcessDescription:
    """Description of a process by itself. `feed_pages` counts pages by the source of their ids since the start."""

    role: str
    host: str
    pid: int
    version: str
    started_at_ms: int
    parts: Sequence[ProcessPart]
    problems: Sequence[ProcessProblem]
    feed_pages: tuple[int, int]

    def dump(self) -> str:
        """Return it as JSON, for the row of the node."""
        return orjson.dumps(self).decode()


@dataclass(frozen=True, slots=True)
class Process:
    """A process that holds a node number; `description` is None for a command, and for another version."""

    node: int
    heartbeat_at_ms: int
    description: ProcessDescription | None


class Processes:
    def __init__(self, nodes: NodeRepository, caches: CacheStateRepository) -> None:
        self._nodes = nodes
        self._caches = caches

    async def list_all(self) -> list[Process]:
        """Return the processes by node number; one that was killed stays for a minute."""
        return [_process(row) for row in await self._nodes.list_leased(LEASE_MS)]

    async def list_caches(self) -> list[CacheState]:
        """Return the caches in Redis by name, and until when they are suspended."""
        return await self._caches.list_all()


def _process(row: LeasedNode) -> Process:
    try:
        description = None if row.process is None else _load(row.process)
    except (ValueError, TypeError, KeyError):
        description = None
    return Process(row.node, row.renewed_at_ms, description)


def _load(text: str) -> ProcessDescription:
    values: dict[str, Any] = orjson.loads(text)
    values["parts"] = [ProcessPart(**part) for part in values["parts"]]
    values["problems"] = [ProcessProblem(**problem) for problem in values["problems"]]
    from_redis, from_database = values["feed_pages"]
    values["feed_pages"] = from_redis, from_database
    return ProcessDescription(**values)
