"""Authentication of requests, with one Redis call and without Redis."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from server.errors import Forbidden, Unauthenticated
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.gateways.redis.revocation_list import REVOKED, RevocationList
from server.gateways.redis.session_check import SessionCheck
from server.ids import UserId
from server.models.database import Database
from server.services.accounts.request_authentication import RequestAuthenticator
from server.services.records import Role
from tools.harness.servers import RedisServer
from tools.harness.services import RETENTION_MS, ServiceHarness
from tools.harness.waiting import wait_until

FEW, MANY = Limit("few", 3, 60), Limit("many", 300, 60)


@pytest.fixture
async def elsewhere(harness: ServiceHarness, own_server: RedisServer) -> AsyncIterator[RequestAuthenticator]:
    """The authenticator of a process with its own Redis."""
    wire = PipelinedRedis(own_server.url, timeout_s=0.5)
    revocations = harness.revocations_on(RevocationList(wire, RETENTION_MS))
    yield RequestAuthenticator(
        harness.tokens, SessionCheck(wire), revocations, RateLimits(wire), harness.user_rows, harness.tiers
    )
    await wire.close()


async def sign_in(harness: ServiceHarness, user_id: UserId) -> str:
    return (await harness.sessions.create(user_id, 0, "a phone", "192.0.2.1")).access_token


async def remaining(authenticator: RequestAuthenticator, token: str, *limits: Limit) -> list[int]:
    """Return what remains of each limit; -1 for an exceeded one."""
    _, statuses = await authenticator.authenticate(token, limits)
    return [-1 if status.wait_s else status.remaining for status in statuses]


async def test_request_is_authenticated_and_counted_per_limit(harness: ServiceHarness) -> None:
    ada, ben = await harness.users(2)
    hers, his = await sign_in(harness, ada), await sign_in(harness, ben)
    principal, statuses = await harness.request_authenticator.authenticate(hers)
    assert (principal.user_id, statuses) == (ada, [])
    assert [await remaining(harness.request_authenticator, hers, FEW, MANY) for _ in range(4)] == [
        [2, 299],
        [1, 298],
        [0, 297],
        [-1, 297],  # Exceeds one limit, so that neither counts it.
    ]
    assert await remaining(harness.request_authenticator, his, FEW) == [2]
    assert await remaining(harness.request_authenticator, await sign_in(harness, ada), MANY) == [296]


async def test_admin_routes_ask_for_the_current_role(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    await harness.roles.grant("ada", Role.ADMIN)
    principal = await harness.principal(await sign_in(harness, ada))
    await harness.request_authenticator.require_admin(principal)
    await harness.roles.grant("ada", Role.USER)
    assert (await harness.principal(await sign_in(harness, ada))).role is Role.USER
    assert principal.role is Role.ADMIN
    with pytest.raises(Forbidden):
        await harness.request_authenticator.require_admin(principal)


async def test_authentication_takes_one_redis_call_and_no_query(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await sign_in(harness, await harness.user())
    await harness.request_authenticator.authenticate(token, [MANY])
    calls: list[str] = []
    for name in ("run", "batch", "command", "commands"):
        monkeypatch.setattr(PipelinedRedis, name, _recorded(calls, name, getattr(PipelinedRedis, name)))
    monkeypatch.setattr(Database, "rows", _recorded(calls, "rows", Database.rows))
    await harness.request_authenticator.authenticate(token, [MANY], [FEW])
    assert calls == ["run"]


async def test_revoked_session_is_rejected_and_not_counted(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await sign_in(harness, ada), await sign_in(harness, ada)
    await harness.sessions.end(ada, (await harness.principal(phone)).session_id)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await harness.request_authenticator.authenticate(phone, [FEW])
    assert await remaining(harness.request_authenticator, laptop, FEW) == [2]


async def test_lost_revocation_list_is_rebuilt(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await sign_in(harness, ada), await sign_in(harness, ada)
    await harness.sessions.end(ada, (await harness.principal(phone)).session_id)
    await harness.redis.flushall()
    assert await remaining(harness.request_authenticator, laptop, FEW) == [2]
    assert await harness.redis.zcard(REVOKED) == 2
    await harness.redis.flushall()
    with pytest.raises(Unauthenticated):
        await harness.request_authenticator.authenticate(phone, [FEW])


async def test_authentication_works_without_redis(
    harness: ServiceHarness, elsewhere: RequestAuthenticator, own_server: RedisServer
) -> None:
    ada = await harness.user()
    phone, laptop = await sign_in(harness, ada), await sign_in(harness, ada)
    assert await remaining(elsewhere, phone, FEW) == [2]
    own_server.kill()
    await harness.sessions.end(ada, (await harness.principal(phone)).session_id)
    with pytest.raises(Unauthenticated):
        await elsewhere.authenticate(phone, [FEW])
    assert [await remaining(elsewhere, laptop, FEW) for _ in range(4)] == [[2], [1], [0], [-1]]
    own_server.start()

    async def redis_counts_again() -> bool:
        return await remaining(elsewhere, laptop, MANY) == [299] and len(_keys(own_server)) > 0

    await wait_until(redis_counts_again)
    with pytest.raises(Unauthenticated):
        await elsewhere.authenticate(phone, [FEW])


async def test_hanging_redis_delays_one_request_per_second(
    harness: ServiceHarness, elsewhere: RequestAuthenticator, own_server: RedisServer
) -> None:
    token = await sign_in(harness, await harness.user())
    await elsewhere.authenticate(token, [MANY])
    own_server.pause()
    await elsewhere.authenticate(token, [MANY])
    began, slow = time.monotonic(), 0
    while time.monotonic() - began < 1.5:
        started = time.monotonic()
        await asyncio.gather(*(elsewhere.authenticate(token, [MANY]) for _ in range(5)))
        slow += time.monotonic() - started > 0.3
        await asyncio.sleep(0.005)
    assert slow <= 2
    own_server.resume()


async def test_rejecting_redis_is_bypassed_and_logged_once(harness: ServiceHarness) -> None:
    token = await sign_in(harness, await harness.user())
    await harness.redis.set(REVOKED, "not a sorted set", px=60_000)
    with capture_logs() as logs:
        for _ in range(3):
            assert len(await remaining(harness.request_authenticator, token, FEW)) == 1
    assert [line["event"] for line in logs] == ["session_check_unavailable"]


def _keys(server: RedisServer) -> list[object]:
    with server.client() as client:
        return client.keys("throttle:*")


def _recorded(calls: list[str], name: str, original: object) -> object:
    async def call(*arguments: object, **options: object) -> object:
        calls.append(name)
        return await original(*arguments, **options)  # type: ignore[operator]

    return call
