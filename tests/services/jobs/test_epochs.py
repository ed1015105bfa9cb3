"""Epochs of the database: how a restore is noticed, and what it makes outdated."""

import asyncio

import pytest

from server.clock import SystemClock
from server.epoch import DatabaseEpoch
from server.errors import Unauthenticated
from server.gateways.redis.lease_marks import LeaseMarks
from server.models.database import Database
from server.models.jobs.installation import InstallationRepository
from server.models.jobs.nodes import NodeRepository
from server.models.notifications.inboxes import SKIP_BATCH, InboxRepository
from server.paging import PageRequest
from server.services.jobs import nodes
from server.services.jobs.epochs import SKIPPED_SEQUENCES, Epochs
from server.services.jobs.nodes import NodeLease, has_renewals
from tests.services.feed.feeds import count_queries, reader_and_author
from tools.harness.services import ServiceHarness


@pytest.fixture(autouse=True)
def without_replication_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "REPLICATION_LAG_S", 0.0)


def epochs_of(database: Database, epoch: DatabaseEpoch) -> Epochs:
    return Epochs(InstallationRepository(database), InboxRepository(database), epoch)


async def test_processes_that_start_together_share_an_epoch(database: Database) -> None:
    known = [DatabaseEpoch() for _ in range(8)]
    await asyncio.gather(*(epochs_of(database, epoch).refresh() for epoch in known))
    assert len({epoch.value for epoch in known}) == 1
    assert known[0].value


async def test_every_process_notices_a_new_epoch_once(database: Database) -> None:
    one, other, changes = DatabaseEpoch(), DatabaseEpoch(), list[str]()
    other.listen(lambda: changes.append(other.value))
    await epochs_of(database, one).refresh()
    await epochs_of(database, other).refresh()
    assert changes == []
    await epochs_of(database, one).begin()
    for _ in range(2):
        await epochs_of(database, other).refresh()
    assert changes == [one.value]


async def test_processes_that_notice_one_restore_begin_one_epoch(database: Database) -> None:
    epoch = DatabaseEpoch()
    await epochs_of(database, epoch).begin()
    first = epoch.value
    await epochs_of(database, DatabaseEpoch()).begin(unless_within_s=60)
    await epochs_of(database, epoch).refresh()
    assert epoch.value == first


async def test_new_epoch_skips_the_sequences_of_every_inbox(harness: ServiceHarness) -> None:
    inboxes = InboxRepository(harness.database)
    users = await harness.users(3)
    async with harness.database.transaction():
        await inboxes.lock(users)
    await inboxes.set_last_sequence(users[0], 7)
    await epochs_of(harness.database, harness.epoch).begin()
    assert await inboxes.list_last_sequences(users) == {
        users[0]: SKIPPED_SEQUENCES + 7,
        users[1]: SKIPPED_SEQUENCES,
        users[2]: SKIPPED_SEQUENCES,
    }
    assert SKIP_BATCH >= 3


async def test_lease_notices_that_its_renewals_are_gone(database: Database) -> None:
    lease = NodeLease(NodeRepository(database), SystemClock())
    ids = await lease.acquire()
    for _ in range(3):
        assert await lease.renew(ids)
    await database.execute("UPDATE nodes SET renewals = 1")
    assert not await lease.renew(ids)
    assert await lease.renew(ids)
    await database.execute("DELETE FROM nodes")
    assert not await lease.renew(ids)


async def test_lease_that_another_process_took_is_no_restore(database: Database) -> None:
    repository = NodeRepository(database)
    lease, other = (NodeLease(repository, SystemClock(), configured=5) for _ in range(2))
    ids = await lease.acquire()
    await lease.renew(ids)
    others = await other.acquire()
    assert await lease.renew(ids)
    assert await other.renew(others)


async def test_marks_in_redis_show_a_restore_to_the_next_process(harness: ServiceHarness) -> None:
    repository = NodeRepository(harness.database)
    marks, lease = LeaseMarks(harness.pipelined_redis, harness.epoch), NodeLease(repository, SystemClock())
    ids = await lease.acquire()
    await lease.renew(ids)
    await marks.record(*lease.mark)
    assert await has_renewals(repository, await marks.get_all())
    await harness.database.execute("UPDATE nodes SET renewals = renewals - 1")
    assert not await has_renewals(repository, await marks.get_all())
    harness.epoch.set("another")
    assert await has_renewals(repository, await marks.get_all())


async def test_renewal_that_arrives_late_is_no_restore(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "REPLICATION_LAG_S", 5.0)
    monkeypatch.setattr(nodes, "RECHECK_S", 0.01)
    repository = NodeRepository(database)
    await repository.claim(3, "a process", 60_000, force=True)
    waiting = asyncio.create_task(has_renewals(repository, {3: 1}))
    await asyncio.sleep(0)
    await repository.renew(3, "a process", 60_000, 0, 0)
    assert await waiting


async def test_feed_of_another_epoch_is_not_used(harness: ServiceHarness) -> None:
    reader, author, posts = await reader_and_author(harness)
    await harness.database.execute(
        "UPDATE posts SET caption = 'restored', likes_count = 0 WHERE id = ?", [posts[0]]
    )
    await harness.database.execute("UPDATE users SET full_name = 'Restored' WHERE id = ?", [author])
    cached = await harness.feed.page(reader, PageRequest())
    assert {post.likes_count for post in cached.items} == {0, 1}
    harness.epoch.set("another")
    page = await harness.feed.page(reader, PageRequest())
    assert page.items[-1].card.caption == "restored"
    assert {(post.likes_count, post.author.full_name) for post in page.items} == {(0, "Restored")}
    with count_queries(harness.database) as queries:
        await harness.feed.page(reader, PageRequest())
    assert queries == []


async def test_token_of_another_epoch_needs_a_stored_session(harness: ServiceHarness) -> None:
    ada = await harness.user()
    kept, lost = [
        (await harness.sessions.create(ada, 0, "a phone", "192.0.2.1")).access_token for _ in range(2)
    ]
    lost_id = (await harness.principal(lost)).session_id
    await harness.database.execute("DELETE FROM sessions WHERE id = ?", [lost_id])
    assert (await harness.principal(lost)).session_id == lost_id  # no request checks it in the database
    harness.epoch.set("another")
    assert (await harness.principal(kept)).user_id == ada
    with pytest.raises(Unauthenticated):
        await harness.principal(lost)
    new = (await harness.sessions.create(ada, 0, "a phone", "192.0.2.1")).access_token
    await harness.principal(new)  # rebuilds the list of ended sessions
    with count_queries(harness.database) as queries:
        await harness.principal(new)
    assert queries == []
