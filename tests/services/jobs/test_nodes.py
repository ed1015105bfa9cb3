"""Leases of node numbers."""

import asyncio

import pytest
from structlog.testing import capture_logs

from server.clock import SystemClock
from server.errors import Unavailable
from server.ids import NODES, id_timestamp_ms
from server.models.database import Database
from server.models.jobs.nodes import NodeRepository
from server.services.jobs.nodes import LEASE_MS, NodeLease


class StoppedClock:
    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


def node_of(row_id: int) -> int:
    return row_id >> 5 & (NODES - 1)


async def rows(database: Database) -> dict[int, dict[str, int]]:
    found = await database.rows("SELECT * FROM nodes")
    return {row["node"]: row for row in found}


async def expire(database: Database) -> None:
    await database.execute("UPDATE nodes SET lease_until_ms = 1")


async def test_simultaneous_processes_get_different_numbers(database: Database) -> None:
    leases = [NodeLease(NodeRepository(database), SystemClock()) for _ in range(20)]
    generators = await asyncio.gather(*(lease.acquire() for lease in leases))
    nodes = [node_of(ids.next()) for ids in generators]
    assert len(set(nodes)) == 20
    assert set(await rows(database)) == set(nodes)


async def test_renewed_lease_is_kept(database: Database) -> None:
    lease = NodeLease(NodeRepository(database), SystemClock())
    ids = await lease.acquire()
    (before,) = (await rows(database)).values()
    for _ in range(20):
        await lease.renew(ids)
    first = ids.next()
    await lease.renew(ids)
    (after,) = (await rows(database)).values()
    assert after["node"] == before["node"] == node_of(first) == node_of(ids.next())
    assert after["lease_until_ms"] >= before["lease_until_ms"]
    assert after["last_ms"] == id_timestamp_ms(first)


async def test_ids_follow_a_clock_that_was_set_back(database: Database) -> None:
    clock = StoppedClock(SystemClock().now_ms() + 3_600_000)
    lease = NodeLease(NodeRepository(database), clock)
    ids = await lease.acquire()
    ahead = [ids.next() for _ in range(100)]
    clock.at_ms -= 3_600_000
    assert (
        id_timestamp_ms(ids.next()) > clock.at_ms + 3_000_000
    )  # unique and rising until the lease is renewed
    with capture_logs() as logs:
        assert await lease.renew(ids)
        assert await lease.renew(ids)
    assert [line["event"] for line in logs] == ["clock_set_back"]
    right = ids.next()
    assert abs(id_timestamp_ms(right) - clock.at_ms) < 1000
    assert node_of(right) != node_of(ahead[0])
    left = (await rows(database))[node_of(ahead[0])]
    assert left["last_ms"] >= id_timestamp_ms(ahead[-1])  # its next holder starts after it
    assert left["lease_until_ms"] == 0


async def test_configured_number_is_kept_when_the_clock_is_set_back(database: Database) -> None:
    clock = StoppedClock(SystemClock().now_ms() + 3_600_000)
    lease = NodeLease(NodeRepository(database), clock, configured=7)
    ids = await lease.acquire()
    before = ids.next()
    clock.at_ms -= 3_600_000
    assert await lease.renew(ids)
    assert ids.next() > before
    assert node_of(ids.next()) == 7


async def test_longest_unused_number_can_generate_past_ids(database: Database) -> None:
    past_ms = SystemClock().now_ms() - 86_400_000
    for node in range(NODES):
        used_ms = past_ms if node == 7 else past_ms + 60_000
        await database.execute(
            "INSERT INTO nodes (node, owner, lease_until_ms, last_ms, renewals) VALUES (?, '', 0, ?, 0)",
            [node, used_ms],
        )
    ids = await NodeLease(NodeRepository(database), StoppedClock(past_ms), longest_unused=True).acquire()
    first = ids.next()
    assert (node_of(first), id_timestamp_ms(first)) == (7, past_ms + 1)


async def test_number_of_a_killed_holder_starts_after_its_lease(
    database: Database,
) -> None:
    now_ms = SystemClock().now_ms()
    for node in range(NODES):
        await database.execute(
            "INSERT INTO nodes (node, owner, lease_until_ms, last_ms, renewals) VALUES (?, '', ?, 1, 0)",
            [node, now_ms - 1000],
        )
    ids = await NodeLease(
        NodeRepository(database), StoppedClock(now_ms - 86_400_000), longest_unused=True
    ).acquire()
    assert id_timestamp_ms(ids.next()) == now_ms - 1000 + 1


async def test_next_holder_starts_after_the_last_id(database: Database) -> None:
    lease = NodeLease(NodeRepository(database), SystemClock(), configured=5)
    ids = await lease.acquire()
    ahead_ms = SystemClock().now_ms() + 3_600_000
    ids.move(5, ahead_ms)
    last = ids.next()
    await lease.release(ids)
    heirs = await NodeLease(NodeRepository(database), SystemClock(), configured=5).acquire()
    assert heirs.next() > last


async def test_released_number_is_free(database: Database) -> None:
    lease = NodeLease(NodeRepository(database), SystemClock())
    ids = await lease.acquire()
    await lease.release(ids)
    (row,) = (await rows(database)).values()
    assert row["lease_until_ms"] == 0


async def test_process_that_lost_its_lease_changes_its_number(database: Database) -> None:
    lease = NodeLease(NodeRepository(database), SystemClock())
    ids = await lease.acquire()
    before = ids.next()
    await database.execute("UPDATE nodes SET owner = 'another process'")
    with capture_logs() as logs:
        await lease.renew(ids)
    after = ids.next()
    assert after > before
    assert node_of(after) != node_of(before)
    assert [entry["event"] for entry in logs] == ["node_lease_lost"]
    await lease.renew(ids)
    assert node_of(ids.next()) == node_of(after)


async def test_expired_number_is_leased_again(database: Database) -> None:
    for node in range(NODES):
        await NodeLease(NodeRepository(database), SystemClock(), configured=node).acquire()
    with pytest.raises(Unavailable, match="128"):
        await NodeLease(NodeRepository(database), SystemClock()).acquire()
    await database.execute("UPDATE nodes SET lease_until_ms = 1, last_ms = 7 WHERE node = 42")
    ids = await NodeLease(NodeRepository(database), SystemClock()).acquire()
    assert node_of(ids.next()) == 42


async def test_configured_number_is_leased_from_any_holder(database: Database) -> None:
    for _ in range(2):
        ids = await NodeLease(NodeRepository(database), SystemClock(), configured=9).acquire()
        assert node_of(ids.next()) == 9
    (row,) = (await rows(database)).values()
    now_ms = (await database.rows(f"SELECT {database.now_ms} AS now_ms"))[0]["now_ms"]
    assert 0 < row["lease_until_ms"] - now_ms <= LEASE_MS
