"""Processes that describe themselves in their node leases, on both databases."""

import pytest

from server.clock import SystemClock
from server.models.database import Database
from server.models.jobs.cache_generations import CacheGenerationRepository, CacheStateRepository
from server.models.jobs.nodes import NodeRepository
from server.services.jobs.nodes import NodeLease
from server.services.jobs.processes import ProcessDescription, Processes, ProcessPart, ProcessProblem

PARTS = [ProcessPart("dispatcher", "running", 0), ProcessPart("feed worker", "restarting", 3)]
PROBLEMS = [ProcessProblem("smtp", "open", 1_700_000_000_000, "ConnectionRefusedError: port 25")]


@pytest.fixture
def processes(database: Database) -> Processes:
    return Processes(NodeRepository(database), CacheStateRepository(database))


def described(role: str, parts: list[ProcessPart]) -> ProcessDescription:
    return ProcessDescription(role, "host-1", 4711, "1.0", 1_700_000_000_000, parts, PROBLEMS, (90, 10))


async def test_renewal_updates_what_a_process_says(database: Database, processes: Processes) -> None:
    parts = PARTS[:1]
    lease = NodeLease(
        NodeRepository(database), SystemClock(), describe=lambda: described("worker", parts).dump()
    )
    ids = await lease.acquire()
    (process,) = await processes.list_all()
    assert process.description == described("worker", PARTS[:1])
    parts.append(PARTS[1])
    await lease.renew(ids)
    (renewed,) = await processes.list_all()
    assert renewed.description == described("worker", PARTS)
    assert renewed.node == lease.mark[0]
    assert renewed.heartbeat_at_ms >= process.heartbeat_at_ms
    now_ms = (await database.rows(f"SELECT {database.now_ms} AS now_ms"))[0]["now_ms"]
    assert 0 <= now_ms - renewed.heartbeat_at_ms < 60_000
    await lease.release(ids)
    assert await processes.list_all() == []


async def test_command_has_no_description(database: Database, processes: Processes) -> None:
    first = NodeLease(
        NodeRepository(database), SystemClock(), 5, describe=lambda: described("api", []).dump()
    )
    await first.acquire()
    await NodeLease(NodeRepository(database), SystemClock(), 5).acquire()
    (process,) = await processes.list_all()
    assert (process.node, process.description) == (5, None)


async def test_description_of_another_version_is_left_out(database: Database, processes: Processes) -> None:
    await NodeLease(NodeRepository(database), SystemClock(), describe=lambda: '{"pid": 1}').acquire()
    (process,) = await processes.list_all()
    assert process.description is None


async def test_suspended_caches_say_until_when(database: Database, processes: Processes) -> None:
    caches = CacheGenerationRepository(database, "main")
    await caches.insert("run")
    (state,) = await processes.list_caches()
    assert (state.name, state.generation, state.suspended_until_ms) == ("main", 1, None)
    await caches.suspend(60_000, 1000)
    (state,) = await processes.list_caches()
    now_ms = (await database.rows(f"SELECT {database.now_ms} AS now_ms"))[0]["now_ms"]
    assert state.suspended_until_ms is not None
    assert 0 < state.suspended_until_ms - now_ms <= 60_000
