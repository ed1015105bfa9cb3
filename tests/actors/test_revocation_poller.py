"""The look for sessions that ended unheard: one question for all streams, and none that is missed."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from server.actors.revocation_poller import OVERLAP_S, RevocationPoller
from server.errors import Unavailable
from server.ids import SessionId, UserId
from server.outages import Outage
from server.pubsub.hub import Hub
from server.pubsub.subscription import CloseReason
from tests.support.waiting import wait_until

NEVER_S = 3600.0


class Revoked:
    """What the database would say; `away` makes it say nothing."""

    def __init__(self) -> None:
        self.sessions: frozenset[SessionId] = frozenset()
        self.asked: list[float] = []
        self.away = False

    async def lately(self, within_s: float) -> frozenset[SessionId]:
        self.asked.append(within_s)
        if self.away:
            raise Unavailable("The database does not answer.")
        return self.sessions


@pytest.fixture
def revoked() -> Revoked:
    return Revoked()


@pytest.fixture
def hub() -> Hub:
    return Hub(max_per_user=5)


async def test_streams_of_ended_sessions_are_ended_with_one_question(hub: Hub, revoked: Revoked) -> None:
    watch = RevocationPoller(hub, revoked.lately, poll_s=NEVER_S)
    async with AsyncExitStack() as streams:
        inboxes = [
            await streams.enter_async_context(hub.subscribe(UserId(number), SessionId(100 + number)))
            for number in range(20)
        ]
        await watch.poll()
        assert not any(inbox.closed for inbox in inboxes)
        revoked.sessions = frozenset({SessionId(103), SessionId(117), SessionId(5)})
        await watch.poll()
        ended = [inbox.session_id for inbox in inboxes if inbox.closed is CloseReason.SESSION_ENDED]
    assert ended == [103, 117]
    assert len(revoked.asked) == 2


async def test_without_streams_nothing_is_asked(hub: Hub, revoked: Revoked) -> None:
    await RevocationPoller(hub, revoked.lately, poll_s=NEVER_S).poll()
    assert revoked.asked == []


async def test_what_was_revoked_during_an_outage_is_seen_after_it(
    hub: Hub, revoked: Revoked, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_s = [100.0]
    monkeypatch.setattr("server.actors.revocation_poller.time.monotonic", lambda: at_s[0])
    watch = RevocationPoller(hub, revoked.lately, poll_s=NEVER_S)
    async with hub.subscribe(UserId(1), SessionId(11)):
        await watch.poll()
        revoked.away = True
        for _ in range(3):
            at_s[0] += 60
            with pytest.raises(Unavailable):
                await watch.poll()
        revoked.away = False
        at_s[0] += 60
        await watch.poll()
        await watch.poll()
    assert revoked.asked[-2:] == [240 + OVERLAP_S, OVERLAP_S]


async def test_it_looks_again_and_again_through_an_outage(hub: Hub, revoked: Revoked) -> None:
    outage = Outage("database", settled_after_s=0.0)
    watching = asyncio.create_task(RevocationPoller(hub, revoked.lately, poll_s=0.005, outage=outage).run())
    async with hub.subscribe(UserId(1), SessionId(11)) as inbox:
        revoked.away = True
        await wait_until(lambda: outage.is_ongoing)
        revoked.sessions, revoked.away = frozenset({SessionId(11)}), False
        await wait_until(lambda: inbox.closed)
        await wait_until(lambda: not outage.is_ongoing)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
