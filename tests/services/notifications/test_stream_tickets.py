"""Stream tickets work once, for half a minute, while the session is active."""

import asyncio

import pytest

from server.errors import Unauthenticated, Unavailable
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.services.notifications.stream_tickets import TICKET_TTL_S, StreamTickets
from server.services.records import Principal
from tools.harness.services import ServiceHarness


async def signed_in(harness: ServiceHarness) -> Principal:
    tokens = await harness.sessions.create(await harness.user(), 0, "a browser", "127.0.0.1")
    return await harness.principal(tokens.access_token)


async def test_ticket_works_once(harness: ServiceHarness) -> None:
    tickets, ada = StreamTickets(harness.pipelined_redis, harness.revocations), await signed_in(harness)
    ticket = await tickets.issue(ada)
    found = await asyncio.gather(*(tickets.redeem(ticket) for _ in range(20)), return_exceptions=True)
    assert [each for each in found if not isinstance(each, Unauthenticated)] == [ada]


async def test_ticket_expires_and_is_stored_as_a_hash(harness: ServiceHarness) -> None:
    tickets = StreamTickets(harness.pipelined_redis, harness.revocations)
    ticket = await tickets.issue(await signed_in(harness))
    (key,) = await harness.redis.keys("ticket:*")
    assert ticket.encode() not in key
    assert 0 < await harness.redis.pttl(key) <= TICKET_TTL_S * 1000


async def test_ticket_of_an_ended_session_is_refused(harness: ServiceHarness) -> None:
    tickets, ada = StreamTickets(harness.pipelined_redis, harness.revocations), await signed_in(harness)
    ticket = await tickets.issue(ada)
    await harness.sessions.end(ada.user_id, ada.session_id)
    with pytest.raises(Unauthenticated):
        await tickets.redeem(ticket)


@pytest.mark.parametrize("unknown", ["", "an unknown one", "\udcff", "x" * 5000])
async def test_unknown_ticket_is_refused(harness: ServiceHarness, unknown: str) -> None:
    tickets = StreamTickets(harness.pipelined_redis, harness.revocations)
    with pytest.raises(Unauthenticated):
        await tickets.redeem(unknown)


async def test_issue_is_unavailable_without_redis(harness: ServiceHarness) -> None:
    nowhere = PipelinedRedis("unix:///nowhere/redis.sock", timeout_s=1.0)
    tickets, ada = StreamTickets(nowhere, harness.revocations), await signed_in(harness)
    with pytest.raises(Unavailable):
        await tickets.issue(ada)
    await nowhere.close()
