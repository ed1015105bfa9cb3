"""Who is let in: in one call of Redis, and without it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from server.errors import Unauthenticated
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.gateways.redis.revocation_list import KEY, RevocationList
from server.gateways.redis.session_check import SessionCheck
from server.ids import UserId
from server.models.database import Database
from server.services.accounts.request_authentication import RequestAuthenticator
from tests.support.harness import KEPT_MS, ServiceHarness
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

FEW, MANY = Limit("few", 3, 60), Limit("many", 300, 60)


@pytest.fixture
async def elsewhere(harness: ServiceHarness, own_server: RedisServer) -> AsyncIterator[RequestAuthenticator]:
    """A process whose Redis that is."""
    wire = PipelinedRedis(own_server.url, timeout_s=0.5)
    revocations = harness.revocations_on(RevocationList(wire, KEPT_MS))
    yield RequestAuthenticator(harness.tokens, SessionCheck(wire), revocations, RateLimits(wire))
    await wire.close()


async def sign_in(harness: ServiceHarness, user_id: UserId) -> str:
    return (await harness.sessions.open(user_id, 0, "a phone", "192.0.2.1")).access_token


async def let_in(admissions: RequestAuthenticator, token: str, *limits: Limit) -> list[int]:
    """What is left of each limit; -1 where it is exceeded."""
    _, standings = await admissions.admit(token, limits)
    return [-1 if standing.wait_s else standing.remaining for standing in standings]


async def test_a_request_is_recognised_and_counted_against_each_limit(harness: ServiceHarness) -> None:
    ada, ben = await harness.users(2)
    hers, his = await sign_in(harness, ada), await sign_in(harness, ben)
    principal, standings = await harness.request_authenticator.admit(hers)
    assert (principal.user_id, standings) == (ada, [])
    assert [await let_in(harness.request_authenticator, hers, FEW, MANY) for _ in range(4)] == [
        [2, 299],
        [1, 298],
        [0, 297],
        [-1, 297],  # refused by the one, counted by none
    ]
    assert await let_in(harness.request_authenticator, his, FEW) == [2]
    assert await let_in(harness.request_authenticator, await sign_in(harness, ada), MANY) == [296]


async def test_it_is_one_call_and_no_query(harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await sign_in(harness, await harness.user())
    await harness.request_authenticator.admit(token, [MANY])
    asked: list[str] = []
    for name in ("run", "batch", "command", "commands"):
        monkeypatch.setattr(PipelinedRedis, name, _noted(asked, name, getattr(PipelinedRedis, name)))
    monkeypatch.setattr(Database, "rows", _noted(asked, "rows", Database.rows))
    await harness.request_authenticator.admit(token, [MANY])
    assert asked == ["run"]


async def test_who_was_signed_out_is_turned_away_and_not_counted(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await sign_in(harness, ada), await sign_in(harness, ada)
    await harness.sessions.end(ada, (await harness.principal(phone)).session_id)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await harness.request_authenticator.admit(phone, [FEW])
    assert await let_in(harness.request_authenticator, laptop, FEW) == [2]


async def test_a_list_that_was_lost_is_made_again(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await sign_in(harness, ada), await sign_in(harness, ada)
    await harness.sessions.end(ada, (await harness.principal(phone)).session_id)
    await harness.redis.flushall()
    assert await let_in(harness.request_authenticator, laptop, FEW) == [2]
    assert await harness.redis.zcard(KEY) == 2
    await harness.redis.flushall()
    with pytest.raises(Unauthenticated):
        await harness.request_authenticator.admit(phone, [FEW])


async def test_without_redis_the_database_and_the_process_answer_until_it_is_back(
    harness: ServiceHarness, elsewhere: RequestAuthenticator, own_server: RedisServer
) -> None:
    ada = await harness.user()
    phone, laptop = await sign_in(harness, ada), await sign_in(harness, ada)
    assert await let_in(elsewhere, phone, FEW) == [2]
    own_server.kill()
    await harness.sessions.end(ada, (await harness.principal(phone)).session_id)
    with pytest.raises(Unauthenticated):
        await elsewhere.admit(phone, [FEW])
    assert [await let_in(elsewhere, laptop, FEW) for _ in range(4)] == [[2], [1], [0], [-1]]
    own_server.start()

    async def redis_counts_again() -> bool:
        return await let_in(elsewhere, laptop, MANY) == [299] and len(_keys(own_server)) > 0

    await wait_until(redis_counts_again)
    with pytest.raises(Unauthenticated):
        await elsewhere.admit(phone, [FEW])


async def test_a_redis_that_hangs_holds_up_one_request_a_second(
    harness: ServiceHarness, elsewhere: RequestAuthenticator, own_server: RedisServer
) -> None:
    token = await sign_in(harness, await harness.user())
    await elsewhere.admit(token, [MANY])
    own_server.pause()
    await elsewhere.admit(token, [MANY])
    began, slow = time.monotonic(), 0
    while time.monotonic() - began < 1.5:
        asked = time.monotonic()
        await asyncio.gather(*(elsewhere.admit(token, [MANY]) for _ in range(5)))
        slow += time.monotonic() - asked > 0.3
        await asyncio.sleep(0.005)
    assert slow <= 2
    own_server.resume()


async def test_a_redis_that_refuses_is_done_without_and_told_of_once(harness: ServiceHarness) -> None:
    token = await sign_in(harness, await harness.user())
    await harness.redis.set(KEY, "somebody else's", px=60_000)
    with capture_logs() as logs:
        for _ in range(3):
            assert len(await let_in(harness.request_authenticator, token, FEW)) == 1
    assert [line["event"] for line in logs] == ["admission_unavailable"]


def _keys(server: RedisServer) -> list[object]:
    with server.client() as client:
        return client.keys("throttle:*")


def _noted(asked: list[str], name: str, original: object) -> object:
    async def call(*arguments: object, **options: object) -> object:
        asked.append(name)
        return await original(*arguments, **options)  # type: ignore[operator]

    return call
