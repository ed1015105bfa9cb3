"""R9: streams are cut and the API is restarted and killed; every client gets every event once, in order."""

import asyncio
import signal
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
import pytest

from server.handlers.notifications.stream import RESET_EVENT
from tests.chaos.conftest import Report
from tests.chaos.environment import FULL, ask, configuration, execute, rounds, settled
from tests.chaos.streams.sse_clients import Expected, Listener, Writers, insert_members, many_connections
from tests.e2e.conftest import NewProgram
from tests.support.program import Person, Program
from tests.support.sse_reader import Block
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = pytest.mark.chaos

LISTENERS = rounds(50, 1000)
WRITERS = rounds(6, 12)
WRITES_BETWEEN = rounds(30, 600)
CUT_AFTER_S = rounds(1, 5)
CAUGHT_UP_WITHIN_S = 30.0
READ_AGAIN = 5  # clients that resume with an unknown event id
HEARTBEAT = {"heartbeat_s = 15.0": "heartbeat_s = 2.0"}


async def test_cut_streams_deliver_every_event_once_in_order(
    migrated_stack: Stack, new_program: NewProgram, report: Report
) -> None:
    stack = migrated_stack
    faults = [restarted, killed] * 10 if FULL else [restarted if stack.name == "embedded" else killed]
    config = configuration(stack, HEARTBEAT)
    async with many_connections() as session:
        await new_program("--port=0", "--role=worker", config=config).start()
        api = await new_program("--port=0", "--role=api", config=config).start()
        members = insert_members(stack, LISTENERS + WRITERS)
        listeners = [Listener(member, api, session, CUT_AFTER_S) for member in members[:LISTENERS]]
        writers = Writers([m.acts(api, session) for m in members[LISTENERS:]], members[:LISTENERS])
        async with listening(listeners):
            async with writers.going_on():
                for fault in faults:
                    await writers.more(WRITES_BETWEEN)
                    await fault(api)
                await writers.more(WRITES_BETWEEN)
            began = time.monotonic()
            await settled(stack, CAUGHT_UP_WITHIN_S, "notify.%")  # e-mails are rate limited
            rows = rows_of(stack)
            for listener in listeners:
                listener.keep()
            await wait_until(lambda: all_have(listeners, rows), CAUGHT_UP_WITHIN_S)
            took_s = time.monotonic() - began
        assert {row.told for each in rows.values() for row in each} >= writers.owed
        for listener in listeners:
            mine = rows[listener.member.id]
            assert [row.sequence for row in mine] == list(range(1, len(mine) + 1))
            assert [received(event) for event in listener.events] == [row.event for row in mine]
            shown = await listener.member.acts(api, session).notifications()
            assert [each["id"] for each in reversed(shown)] == [row.event.id for row in listed(mine)]
        most = sorted(listeners, key=lambda listener: len(listener.events))[-READ_AGAIN:]
        for listener in most:
            await assert_reset(stack, listener.member.acts(api, session), len(listener.events))
    streams = sum(listener.streams for listener in listeners)
    refused = sum((listener.refused for listener in listeners), Counter[int]())
    report(
        f"R9 {stack.name}: {LISTENERS} clients, cut off {streams - LISTENERS} times, the API restarted"
        f" {faults.count(restarted)} times and killed {faults.count(killed)} times, {writers.acknowledged} writes"
        f" acknowledged: {sum(map(len, rows.values()))} events, 0 lost, 0 doubled, all in order, complete"
        f" {took_s:.1f} s after the last write; streams refused: {dict(refused)}"
    )


@asynccontextmanager
async def listening(listeners: list[Listener]) -> AsyncIterator[None]:
    """Run the listeners during the block."""
    running = [asyncio.create_task(listener.run()) for listener in listeners]
    try:
        yield
    finally:
        for each in running:
            each.cancel()
        ended = await asyncio.gather(*running, return_exceptions=True)
    assert [each for each in ended if not isinstance(each, asyncio.CancelledError)] == []


async def restarted(api: Program) -> None:
    api.signal(signal.SIGTERM)
    assert (await api.end()).code == 0
    await api.start()


async def killed(api: Program) -> None:
    await api.kill()
    await api.start()


@dataclass(frozen=True, slots=True)
class Event:
    """The compared fields of an event."""

    sequence: int
    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Row:
    """A notification in the database."""

    event: Event
    told: Expected

    @property
    def sequence(self) -> int:
        return self.event.sequence


def rows_of(stack: Stack) -> dict[str, list[Row]]:
    """Return the notifications of every user, in sequence order."""
    rows = defaultdict[str, list[Row]](list)
    found = ask(
        stack,
        "SELECT recipient_id, sequence, type, id, actor_id, target_id FROM notifications ORDER BY sequence",
    )
    for recipient_id, sequence, type_, id_, actor_id, target_id in found:
        event = Event(int(sequence), type_, id_)
        rows[recipient_id].append(Row(event, (recipient_id, type_, actor_id, target_id)))
    return rows


def listed(rows: list[Row]) -> list[Row]:
    """Return the rows as listed: only the newest like of each post."""
    newest = {row.told[3]: row for row in rows if row.event.type == "like"}
    return [row for row in rows if row.event.type != "like" or newest[row.told[3]] is row]


def received(block: Block) -> Event:
    return Event(int(block.id), block.event, orjson.loads(block.data)["id"])


async def all_have(listeners: list[Listener], rows: dict[str, list[Row]]) -> bool:
    return all(len(listener.events) >= len(rows[listener.member.id]) for listener in listeners)


async def assert_reset(stack: Stack, person: Person, last: int) -> None:
    """Assert that unknown and pruned event ids get a reset event."""
    async with person.stream(str(last + 1)) as reader:
        assert await reader.event() == Block(str(last), RESET_EVENT, "{}")
    pruned = last // 2 + 1
    execute(stack, [f"DELETE FROM notifications WHERE recipient_id = {person.id} AND sequence <= {pruned}"])
    async with person.stream("1") as reader:
        assert await reader.event() == Block(str(pruned), RESET_EVENT, "{}")
        assert [int((await reader.event()).id) for _ in range(last - pruned)] == list(
            range(pruned + 1, last + 1)
        )
