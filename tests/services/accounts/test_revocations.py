"""Revocations: every process rejects a revoked session, with and without Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.errors import Unavailable
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.revocation_list import REVOKED, RevocationList
from server.ids import SessionId, UserId
from server.models.database import Database
from server.pubsub import channels
from server.services.accounts.revocations import Revocations
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import TokenPair
from tools.harness.backends import Stack, start_valkey
from tools.harness.servers import RedisServer
from tools.harness.services import RETENTION_MS, ServiceHarness
from tools.harness.waiting import wait_until


async def signed_in(harness: ServiceHarness, user_id: UserId) -> SessionId:
    pair: TokenPair = await harness.sessions.create(user_id, 0, "a phone", "192.0.2.1")
    return (await harness.principal(pair.access_token)).session_id


async def revoke_silently(harness: ServiceHarness, user_id: UserId, session_id: SessionId) -> None:
    """Revoke like a process that is killed right after the commit."""

    async def revoke(work: WorkContext) -> bool:
        return await harness.revocations.revoke(work, user_id, session_id)

    assert await harness.unit_of_work.run(revoke)


@asynccontextmanager
async def another_process(harness: ServiceHarness, url: str) -> AsyncIterator[Revocations]:
    """Yield the revocations of another process, with its own Redis connection."""
    wire = PipelinedRedis(url, timeout_s=0.5)
    yield harness.revocations_on(RevocationList(wire, RETENTION_MS))
    await wire.close()


@pytest.fixture
async def elsewhere(harness: ServiceHarness, own_server: RedisServer) -> AsyncIterator[Revocations]:
    async with another_process(harness, own_server.url) as revocations:
        yield revocations


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that the database executes from here on."""
    executed: list[str] = []
    rows = Database.rows

    async def counted(self: Database, sql: str, *parameters: object) -> object:
        executed.append(sql)
        return await rows(self, sql, *parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "rows", counted)
    return executed


async def test_revoked_session_is_rejected_by_every_process(harness: ServiceHarness, stack: Stack) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    async with another_process(harness, stack.redis.url) as other:
        assert not await other.is_revoked(phone)
        await harness.sessions.end(ada, phone)
        for revocations in (harness.revocations, other):
            assert await revocations.is_revoked(phone)
            assert not await revocations.is_revoked(laptop)


async def test_checks_do_not_query_the_database(harness: ServiceHarness, statements: list[str]) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    await harness.sessions.end(ada, phone)
    statements.clear()
    answers = await asyncio.gather(*(harness.revocations.is_revoked(each) for each in [phone, laptop] * 50))
    assert answers == [True, False] * 50
    assert statements == []


async def test_lost_list_is_rebuilt_with_one_query(harness: ServiceHarness, statements: list[str]) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    await harness.sessions.end(ada, phone)
    for _ in range(3):
        await harness.redis.flushall()
        statements.clear()
        answers = await asyncio.gather(
            *(harness.revocations.is_revoked(each) for each in [phone, laptop] * 50)
        )
        assert answers == [True, False] * 50
        assert len(statements) == 1
    assert 0 < await harness.redis.pttl(REVOKED) <= RETENTION_MS


async def test_list_from_a_previous_redis_run_is_ignored(
    harness: ServiceHarness, scratch: Path, tmp_path: Path
) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    server = start_valkey(scratch / f"lives-{tmp_path.name[-20:]}", durable=True)
    async with another_process(harness, server.url) as other:
        assert not await other.is_revoked(phone)
        server.kill()
        await revoke_silently(harness, ada, phone)
        server.start()
        with server.client() as client:
            assert client.zcard(REVOKED) == 1  # Restored from disk, and marked as complete.
        await wait_until(lambda: other.is_revoked(phone))
        assert not await other.is_revoked(laptop)
    server.stop()


async def test_checks_without_redis_share_database_queries(
    harness: ServiceHarness, elsewhere: Revocations, own_server: RedisServer, statements: list[str]
) -> None:
    ada, gone = await harness.user(), SessionId(1)
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    assert not await elsewhere.is_revoked(phone)
    own_server.kill()
    await revoke_silently(harness, ada, phone)
    statements.clear()
    for _ in range(3):
        asked = [phone, laptop, gone] * 30
        assert await asyncio.gather(*map(elsewhere.is_revoked, asked)) == [True, False, True] * 30
    assert len(statements) <= 6
    own_server.start()

    async def redis_is_used_again() -> bool:
        statements.clear()
        assert await elsewhere.is_revoked(phone)
        return not statements

    await wait_until(redis_is_used_again)


async def test_hanging_redis_delays_one_check_at_a_time(
    harness: ServiceHarness, elsewhere: Revocations, own_server: RedisServer
) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    await harness.sessions.end(ada, phone)
    assert not await elsewhere.is_revoked(laptop)
    own_server.pause()
    assert await elsewhere.is_revoked(phone)
    began = time.monotonic()
    probing = asyncio.create_task(elsewhere.is_revoked(phone))
    await asyncio.sleep(0)
    for _ in range(50):
        assert await elsewhere.is_revoked(phone)
        assert not await elsewhere.is_revoked(laptop)
    assert time.monotonic() - began < 0.5
    assert await probing
    own_server.resume()


async def test_checks_work_when_redis_rejects_commands(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    await harness.redis.set(REVOKED, "not a sorted set", px=60_000)
    with capture_logs() as logs:
        await harness.sessions.end(ada, phone)
        assert await harness.revocations.is_revoked(phone)
        assert not await harness.revocations.is_revoked(laptop)
    assert [line["event"] for line in logs] == ["revocation_list_unavailable"]


async def test_check_fails_when_neither_store_answers(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: object) -> object:
        raise Unavailable("The database does not answer.")

    phone = await signed_in(harness, await harness.user())
    await harness.redis.flushall()
    monkeypatch.setattr(Database, "rows", unavailable)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await harness.revocations.is_revoked(phone)
    monkeypatch.undo()
    assert not await harness.revocations.is_revoked(phone)


async def test_session_revoked_during_a_rebuild_is_on_the_list(
    harness: ServiceHarness, elsewhere: Revocations, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    complete = RevocationList.complete

    async def revoked_before(self: RevocationList, ticket: str) -> bool:
        monkeypatch.undo()
        await harness.sessions.end(ada, phone)
        return await complete(self, ticket)

    await harness.redis.flushall()
    monkeypatch.setattr(RevocationList, "complete", revoked_before)
    assert not await harness.revocations.is_revoked(laptop)
    assert await harness.revocations.is_revoked(phone)


async def test_job_propagates_what_a_killed_process_did_not(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    await revoke_silently(harness, ada, phone)
    assert not await harness.revocations.is_revoked(phone)
    async with harness.redis.pubsub() as listening:
        await listening.subscribe(channels.user_channel(ada))
        await listening.get_message(timeout=5)
        claim: Claim = await harness.claim(JobKind.PROPAGATE_REVOCATIONS)
        await harness.revocations.propagate_job(claim)
        heard = await listening.get_message(timeout=5)
    assert heard is not None
    assert channels.decode_ended_sessions(heard["data"]) == {phone}
    assert await harness.revocations.is_revoked(phone)
    assert not await harness.revocations.is_revoked(laptop)


async def test_job_fails_while_redis_is_unavailable(
    harness: ServiceHarness, elsewhere: Revocations, own_server: RedisServer
) -> None:
    ada = await harness.user()
    await harness.sessions.end(ada, await signed_in(harness, ada))
    claim = await harness.claim(JobKind.PROPAGATE_REVOCATIONS)
    own_server.kill()
    with pytest.raises(Unavailable):
        await elsewhere.propagate_job(claim)
    own_server.start()


async def test_revoke_all_spares_the_excepted_and_other_users(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    hers, his = [await signed_in(harness, ada) for _ in range(3)], await signed_in(harness, bob)

    async def revoke_all(work: WorkContext) -> None:
        await harness.revocations.revoke_all(work, ada, except_id=hers[0])

    await harness.unit_of_work.run(revoke_all)
    await harness.revocations.propagate(ada)
    assert [await harness.revocations.is_revoked(each) for each in [*hers, his]] == [False, True, True, False]
    assert await harness.revocations.list_recent(60) == frozenset(hers[1:])


async def test_old_revocations_are_not_listed(harness: ServiceHarness) -> None:
    ada = await harness.user()
    old, recent = await signed_in(harness, ada), await signed_in(harness, ada)
    for each in (old, recent):
        await harness.sessions.end(ada, each)
    await harness.database.execute(
        "UPDATE sessions SET revoked_at_ms = revoked_at_ms - ? WHERE id = ?", [RETENTION_MS + 1000, old]
    )
    await harness.redis.flushall()
    assert await harness.revocations.is_revoked(recent)
    assert await harness.redis.zscore(REVOKED, recent) is not None
    assert await harness.redis.zscore(REVOKED, old) is None
    assert await harness.revocations.list_recent(60) == {recent}
