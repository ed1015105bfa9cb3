"""Revocations: a session that was ended is refused at once, everywhere, whatever becomes of Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.errors import Unavailable
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.revocation_list import KEY, RevocationList
from server.ids import SessionId, UserId
from server.models.database import Database
from server.pubsub import channels
from server.services.accounts.revocations import Revocations
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.jobs import Claim
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import TokenPair
from tests.support.backends import Stack, start_valkey
from tests.support.harness import KEPT_MS, ServiceHarness
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until


async def signed_in(harness: ServiceHarness, user_id: UserId) -> SessionId:
    pair: TokenPair = await harness.sessions.open(user_id, 0, "a phone", "192.0.2.1")
    return (await harness.principal(pair.access_token)).session_id


async def revoke_silently(harness: ServiceHarness, user_id: UserId, session_id: SessionId) -> None:
    """As by a process that is killed right after the commit."""

    async def body(work: WorkContext) -> bool:
        return await harness.revocations.revoke(work, user_id, session_id)

    assert await harness.unit_of_work.run(body)


@asynccontextmanager
async def another_process(harness: ServiceHarness, url: str) -> AsyncIterator[Revocations]:
    """What another process asks: it has a connection of its own."""
    wire = PipelinedRedis(url, timeout_s=0.5)
    yield harness.revocations_on(RevocationList(wire, KEPT_MS))
    await wire.close()


@pytest.fixture
async def elsewhere(harness: ServiceHarness, own_server: RedisServer) -> AsyncIterator[Revocations]:
    async with another_process(harness, own_server.url) as revocations:
        yield revocations


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the database is asked from here on."""
    asked: list[str] = []
    rows = Database.rows

    async def counted(self: Database, sql: str, *parameters: object) -> object:
        asked.append(sql)
        return await rows(self, sql, *parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "rows", counted)
    return asked


async def test_a_revoked_session_is_refused_in_every_process_at_once(
    harness: ServiceHarness, stack: Stack
) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    async with another_process(harness, stack.redis.url) as other:
        assert not await other.is_revoked(phone)
        await harness.sessions.end(ada, phone)
        for revocations in (harness.revocations, other):
            assert await revocations.is_revoked(phone)
            assert not await revocations.is_revoked(laptop)


async def test_requests_do_not_ask_the_database(harness: ServiceHarness, statements: list[str]) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    await harness.sessions.end(ada, phone)
    statements.clear()
    answers = await asyncio.gather(*(harness.revocations.is_revoked(each) for each in [phone, laptop] * 50))
    assert answers == [True, False] * 50
    assert statements == []


async def test_a_list_that_was_lost_is_made_again_once(
    harness: ServiceHarness, statements: list[str]
) -> None:
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
    assert 0 < await harness.redis.pttl(KEY) <= KEPT_MS


async def test_a_list_of_an_earlier_life_of_redis_is_not_trusted(
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
            assert client.zcard(KEY) == 1  # it came back, and says that it is complete
        await wait_until(lambda: other.is_revoked(phone))
        assert not await other.is_revoked(laptop)
    server.stop()


async def test_while_redis_is_away_the_database_is_asked_for_many_at_once(
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

    async def redis_is_asked_again() -> bool:
        statements.clear()
        assert await elsewhere.is_revoked(phone)
        return not statements

    await wait_until(redis_is_asked_again)


async def test_a_redis_that_hangs_holds_up_one_request_at_a_time(
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


async def test_a_redis_that_refuses_is_done_without(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    await harness.redis.set(KEY, "somebody else's", px=60_000)
    with capture_logs() as logs:
        await harness.sessions.end(ada, phone)
        assert await harness.revocations.is_revoked(phone)
        assert not await harness.revocations.is_revoked(laptop)
    assert [line["event"] for line in logs] == ["revocation_list_unavailable"]


async def test_nobody_is_let_in_when_nobody_can_tell(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> object:
        raise Unavailable("The database does not answer.")

    phone = await signed_in(harness, await harness.user())
    await harness.redis.flushall()
    monkeypatch.setattr(Database, "rows", away)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await harness.revocations.is_revoked(phone)
    monkeypatch.undo()
    assert not await harness.revocations.is_revoked(phone)


async def test_what_is_revoked_while_the_list_is_made_again_is_on_it(
    harness: ServiceHarness, elsewhere: Revocations, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    seal = RevocationList.seal

    async def revoked_before(self: RevocationList, ticket: str) -> bool:
        monkeypatch.undo()
        await harness.sessions.end(ada, phone)
        return await seal(self, ticket)

    await harness.redis.flushall()
    monkeypatch.setattr(RevocationList, "seal", revoked_before)
    assert not await harness.revocations.is_revoked(laptop)
    assert await harness.revocations.is_revoked(phone)


async def test_a_job_tells_what_a_killed_process_did_not(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await signed_in(harness, ada), await signed_in(harness, ada)
    await revoke_silently(harness, ada, phone)
    assert not await harness.revocations.is_revoked(phone)
    async with harness.redis.pubsub() as listening:
        await listening.subscribe(channels.inbox(ada))
        await listening.get_message(timeout=5)
        claim: Claim = await harness.claim(JobKind.TELL_REVOKED)
        await harness.revocations.deliver(claim)
        heard = await listening.get_message(timeout=5)
    assert heard is not None
    assert channels.ended_sessions(heard["data"]) == {phone}
    assert await harness.revocations.is_revoked(phone)
    assert not await harness.revocations.is_revoked(laptop)


async def test_the_job_waits_for_redis(
    harness: ServiceHarness, elsewhere: Revocations, own_server: RedisServer
) -> None:
    ada = await harness.user()
    await harness.sessions.end(ada, await signed_in(harness, ada))
    claim = await harness.claim(JobKind.TELL_REVOKED)
    own_server.kill()
    with pytest.raises(Unavailable):
        await elsewhere.deliver(claim)
    own_server.start()


async def test_all_sessions_of_a_user_end_and_nobody_else_s(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    hers, his = [await signed_in(harness, ada) for _ in range(3)], await signed_in(harness, bob)

    async def body(work: WorkContext) -> None:
        await harness.revocations.revoke_all(work, ada, but=hers[0])

    await harness.unit_of_work.run(body)
    await harness.revocations.tell(ada)
    assert [await harness.revocations.is_revoked(each) for each in [*hers, his]] == [False, True, True, False]
    assert await harness.revocations.lately(60) == frozenset(hers[1:])


async def test_what_was_revoked_long_ago_is_not_looked_at(harness: ServiceHarness) -> None:
    ada = await harness.user()
    old, recent = await signed_in(harness, ada), await signed_in(harness, ada)
    for each in (old, recent):
        await harness.sessions.end(ada, each)
    await harness.database.execute(
        "UPDATE sessions SET revoked_at_ms = revoked_at_ms - ? WHERE id = ?", [KEPT_MS + 1000, old]
    )
    await harness.redis.flushall()
    assert await harness.revocations.is_revoked(recent)
    assert await harness.redis.zscore(KEY, recent) is not None
    assert await harness.redis.zscore(KEY, old) is None
    assert await harness.revocations.lately(60) == {recent}
