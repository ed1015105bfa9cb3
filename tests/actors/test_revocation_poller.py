"""The revocation poller: one query for all streams, and no missed revocation."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from server.actors.revocation_poller import OVERLAP_S, RevocationPoller
from server.errors import Unavailable
from server.ids import SessionId, UserId
from server.outages import Outage
from server.pubsub.hub import Hub
from server.pubsub.subscription import CloseReason
from tools.harness.waiting import wait_until

NEVER_S = 3600.0


class FakeRevocations:
    """Revoked sessions, with the queries for them; raises Unavailable while `unavailable`."""

    def __init__(self) -> None:
        self.sessions: frozenset[SessionId] = frozenset()
        self.queries: list[float] = []
        self.unavailable = False

    async def lately(self, within_s: float) -> frozenset[SessionId]:
        self.queries.append(within_s)
        if self.unavailable:
            raise Unavailable("The database does not answer.")
        return self.sessions


@pytest.fixture
def revoked() -> FakeRevocations:
    return FakeRevocations()


@pytest.fixture
def hub() -> Hub:
    return Hub(max_per_user=5)


async def test_streams_of_revoked_sessions_close_with_one_query(hub: Hub, revoked: FakeRevocations) -> None:
    poller = RevocationPoller(hub, revoked.lately, poll_s=NEVER_S)
    async with AsyncExitStack() as streams:
        inboxes = [
            await streams.enter_async_context(hub.subscribe(UserId(number), SessionId(100 + number)))
            for number in range(20)
        ]
        await poller.poll()
        assert not any(inbox.closed for inbox in inboxes)
        revoked.sessions = frozenset({SessionId(103), SessionId(117), SessionId(5)})
        await poller.poll()
        ended = [inbox.session_id for inbox in inboxes if inbox.closed is CloseReason.SESSION_ENDED]
    assert ended == [103, 117]
    assert len(revoked.queries) == 2


async def test_no_query_without_streams(hub: Hub, revoked: FakeRevocations) -> None:
    await RevocationPoller(hub, revoked.lately, poll_s=NEVER_S).poll()
    assert revoked.queries == []


async def test_revocation_during_an_outage_is_seen_after_it(
    hub: Hub, revoked: FakeRevocations, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_s = [100.0]
    monkeypatch.setattr("server.actors.revocation_poller.time.monotonic", lambda: at_s[0])
    poller = RevocationPoller(hub, revoked.lately, poll_s=NEVER_S)
    async with hub.subscribe(UserId(1), SessionId(11)):
        await poller.poll()
        revoked.unavailable = True
        for _ in range(3):
            at_s[0] += 60
            with pytest.raises(Unavailable):
                await poller.poll()
        revoked.unavailable = False
        at_s[0] += 60
        await poller.poll()
        await poller.poll()
    assert revoked.queries[-2:] == [240 + OVERLAP_S, OVERLAP_S]


async def test_polling_continues_through_an_outage(hub: Hub, revoked: FakeRevocations) -> None:
    outage = Outage("database", settled_after_s=0.0)
    polling = asyncio.create_task(RevocationPoller(hub, revoked.lately, poll_s=0.005, outage=outage).run())
    async with hub.subscribe(UserId(1), SessionId(11)) as inbox:
        revoked.unavailable = True
        await wait_until(lambda: outage.is_ongoing)
        revoked.sessions, revoked.unavailable = frozenset({SessionId(11)}), False
        await wait_until(lambda: inbox.closed)
        await wait_until(lambda: not outage.is_ongoing)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
