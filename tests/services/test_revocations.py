"""Revocations: a session that was ended is refused at once, everywhere, whatever becomes of Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.errors import Unavailable
from server.gateways.redis_wire import RedisWire
from server.gateways.revocation_list import KEY, RevocationList
from server.ids import SessionId, UserId
from server.models.database import Database
from server.pubsub import channels
from server.services.jobs import Claim
from server.services.reactions import JobKind
from server.services.records import TokenPair
from server.services.revocations import Revocations
from server.services.unit_of_work import Work
from tests.house import KEPT_MS, House
from tests.live import until
from tests.servers import RedisServer
from tests.stacks import Stack, start_valkey


async def signed_in(house: House, user_id: UserId) -> SessionId:
    pair: TokenPair = await house.sessions.open(user_id, 0, "a phone", "192.0.2.1")
    return (await house.principal(pair.access_token)).session_id


async def revoke_silently(house: House, user_id: UserId, session_id: SessionId) -> None:
    """As by a process that is killed right after the commit."""

    async def body(work: Work) -> bool:
        return await house.revocations.revoke(work, user_id, session_id)

    assert await house.unit_of_work.run(body)


@asynccontextmanager
async def another_process(house: House, url: str) -> AsyncIterator[Revocations]:
    """What another process asks: it has a connection of its own."""
    wire = RedisWire(url, timeout_s=0.5)
    yield house.revocations_on(RevocationList(wire, KEPT_MS))
    await wire.close()


@pytest.fixture
async def elsewhere(house: House, own_server: RedisServer) -> AsyncIterator[Revocations]:
    async with another_process(house, own_server.url) as revocations:
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


async def test_a_revoked_session_is_refused_in_every_process_at_once(house: House, stack: Stack) -> None:
    ada = await house.user()
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    async with another_process(house, stack.redis.url) as other:
        assert not await other.is_revoked(phone)
        await house.sessions.end(ada, phone)
        for revocations in (house.revocations, other):
            assert await revocations.is_revoked(phone)
            assert not await revocations.is_revoked(laptop)


async def test_requests_do_not_ask_the_database(house: House, statements: list[str]) -> None:
    ada = await house.user()
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    await house.sessions.end(ada, phone)
    statements.clear()
    answers = await asyncio.gather(*(house.revocations.is_revoked(each) for each in [phone, laptop] * 50))
    assert answers == [True, False] * 50
    assert statements == []


async def test_a_list_that_was_lost_is_made_again_once(house: House, statements: list[str]) -> None:
    ada = await house.user()
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    await house.sessions.end(ada, phone)
    for _ in range(3):
        await house.redis.flushall()
        statements.clear()
        answers = await asyncio.gather(*(house.revocations.is_revoked(each) for each in [phone, laptop] * 50))
        assert answers == [True, False] * 50
        assert len(statements) == 1
    assert 0 < await house.redis.pttl(KEY) <= KEPT_MS


async def test_a_list_of_an_earlier_life_of_redis_is_not_trusted(
    house: House, scratch: Path, tmp_path: Path
) -> None:
    ada = await house.user()
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    server = start_valkey(scratch / f"lives-{tmp_path.name[-20:]}", durable=True)
    async with another_process(house, server.url) as other:
        assert not await other.is_revoked(phone)
        server.kill()
        await revoke_silently(house, ada, phone)
        server.start()
        with server.client() as client:
            assert client.zcard(KEY) == 1  # it came back, and says that it is complete
        await until(lambda: other.is_revoked(phone))
        assert not await other.is_revoked(laptop)
    server.stop()


async def test_while_redis_is_away_the_database_is_asked_for_many_at_once(
    house: House, elsewhere: Revocations, own_server: RedisServer, statements: list[str]
) -> None:
    ada, gone = await house.user(), SessionId(1)
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    assert not await elsewhere.is_revoked(phone)
    own_server.kill()
    await revoke_silently(house, ada, phone)
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

    await until(redis_is_asked_again)


async def test_a_redis_that_hangs_holds_up_one_request_at_a_time(
    house: House, elsewhere: Revocations, own_server: RedisServer
) -> None:
    ada = await house.user()
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    await house.sessions.end(ada, phone)
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


async def test_a_redis_that_refuses_is_done_without(house: House) -> None:
    ada = await house.user()
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    await house.redis.set(KEY, "somebody else's", px=60_000)
    with capture_logs() as logs:
        await house.sessions.end(ada, phone)
        assert await house.revocations.is_revoked(phone)
        assert not await house.revocations.is_revoked(laptop)
    assert [line["event"] for line in logs] == ["revocation_list_unavailable"]


async def test_nobody_is_let_in_when_nobody_can_tell(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> object:
        raise Unavailable("The database does not answer.")

    phone = await signed_in(house, await house.user())
    await house.redis.flushall()
    monkeypatch.setattr(Database, "rows", away)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await house.revocations.is_revoked(phone)
    monkeypatch.undo()
    assert not await house.revocations.is_revoked(phone)


async def test_what_is_revoked_while_the_list_is_made_again_is_on_it(
    house: House, elsewhere: Revocations, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await house.user()
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    seal = RevocationList.seal

    async def revoked_before(self: RevocationList, ticket: str) -> bool:
        monkeypatch.undo()
        await house.sessions.end(ada, phone)
        return await seal(self, ticket)

    await house.redis.flushall()
    monkeypatch.setattr(RevocationList, "seal", revoked_before)
    assert not await house.revocations.is_revoked(laptop)
    assert await house.revocations.is_revoked(phone)


async def test_a_job_tells_what_a_killed_process_did_not(house: House) -> None:
    ada = await house.user()
    phone, laptop = await signed_in(house, ada), await signed_in(house, ada)
    await revoke_silently(house, ada, phone)
    assert not await house.revocations.is_revoked(phone)
    async with house.redis.pubsub() as listening:
        await listening.subscribe(channels.inbox(ada))
        await listening.get_message(timeout=5)
        claim: Claim = await house.claim(JobKind.TELL_REVOKED)
        await house.revocations.deliver(claim)
        heard = await listening.get_message(timeout=5)
    assert heard is not None
    assert channels.ended_sessions(heard["data"]) == {phone}
    assert await house.revocations.is_revoked(phone)
    assert not await house.revocations.is_revoked(laptop)


async def test_the_job_waits_for_redis(house: House, elsewhere: Revocations, own_server: RedisServer) -> None:
    ada = await house.user()
    await house.sessions.end(ada, await signed_in(house, ada))
    claim = await house.claim(JobKind.TELL_REVOKED)
    own_server.kill()
    with pytest.raises(Unavailable):
        await elsewhere.deliver(claim)
    own_server.start()


async def test_all_sessions_of_a_user_end_and_nobody_else_s(house: House) -> None:
    ada, bob = await house.users(2)
    hers, his = [await signed_in(house, ada) for _ in range(3)], await signed_in(house, bob)

    async def body(work: Work) -> None:
        await house.revocations.revoke_all(work, ada, but=hers[0])

    await house.unit_of_work.run(body)
    await house.revocations.tell(ada)
    assert [await house.revocations.is_revoked(each) for each in [*hers, his]] == [False, True, True, False]
    assert await house.revocations.lately(60) == frozenset(hers[1:])


async def test_what_was_revoked_long_ago_is_not_looked_at(house: House) -> None:
    ada = await house.user()
    old, recent = await signed_in(house, ada), await signed_in(house, ada)
    for each in (old, recent):
        await house.sessions.end(ada, each)
    await house.database.execute(
        "UPDATE sessions SET revoked_at_ms = revoked_at_ms - ? WHERE id = ?", [KEPT_MS + 1000, old]
    )
    await house.redis.flushall()
    assert await house.revocations.is_revoked(recent)
    assert await house.redis.zscore(KEY, recent) is not None
    assert await house.redis.zscore(KEY, old) is None
    assert await house.revocations.lately(60) == {recent}
